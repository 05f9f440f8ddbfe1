"""Sign with a credential."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from signerd.audit.event import AuditEvent, EventKind
from signerd.audit.signature import SignatureRecord
from signerd.core.activation import Activation, AuthorisationUse
from signerd.core.algorithm import Hash, KeyAlgorithm, spec_of
from signerd.core.clock import Clock
from signerd.core.error import (
    InvalidRequest,
    PermissionDenied,
    TokenRefused,
    TokenUnavailable,
    WrongState,
)
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CredentialState
from signerd.core.record import CredentialRecord
from signerd.core.value import CredentialId
from signerd.pki.signature import digest
from signerd.policy.decide import Scope
from signerd.signing.agreement import Agreements, digests_of
from signerd.signing.check import check_made
from signerd.signing.login_statement import check_purpose
from signerd.signing.ports import SignatureStore, Signer

_PURPOSE_MOST: Final = 200


class SignInput(NamedTuple):
    """What to sign: data, or a digest with its hash. digest_hash is None for data."""

    content: bytes
    digest_hash: Hash | None

    def message_for(self, algorithm: KeyAlgorithm) -> bytes:
        """The digest that the key signs, or for Ed25519 the message. Raises InvalidRequest."""
        wanted = spec_of(algorithm).hash
        if self.digest_hash is None:
            return self.content if wanted is None else digest(wanted, self.content)
        if wanted is None:
            raise InvalidRequest(
                "an Ed25519 key signs data, not a digest: send data",
                reason="DIGEST_NOT_SUPPORTED",
                field="digest",
            )
        if self.digest_hash is not wanted:
            raise InvalidRequest(
                f"the key signs {wanted.value} digests, not {self.digest_hash.value}",
                reason="DIGEST_MISMATCH",
                field="digest",
            )
        if len(self.content) != wanted.digest_size:
            raise InvalidRequest(
                f"a {wanted.value} digest has {wanted.digest_size} bytes, "
                f"this one has {len(self.content)}",
                reason="DIGEST_LENGTH",
                field="digest",
            )
        return self.content


class SignRequest(NamedTuple):
    """A checked call. deadline: seconds of time.monotonic(). authorisation: the subscriber's
    agreement, "" where none was sent. purpose: what for, put on record; "" for none. agreed: what
    the subscriber has seen, in place of the message that the key signs, where that is something
    around it, such as the attributes of a document: its digest, for Ed25519 the data; "" for the
    message itself."""

    credential: CredentialId
    input: SignInput
    principal: str
    request_id: str
    scope: Scope
    deadline: float
    authorisation: str = ""
    purpose: str = ""
    agreed: bytes = b""

    def __repr__(self) -> str:
        """Without the authorisation, which is a secret, and the data."""
        return f"SignRequest(credential={self.credential!r}, request_id={self.request_id!r})"


class CredentialCache:
    """Remembers what never changes of a credential: key, algorithm, owner.

    That a credential may still sign is never taken from here: `record_signatures` decides it.
    """

    def __init__(self, store: SignatureStore, capacity: int = 50_000) -> None:
        self._store = store
        self._capacity = capacity
        self._known: OrderedDict[CredentialId, CredentialRecord] = OrderedDict()

    async def get(self, credential_id: CredentialId) -> CredentialRecord:
        """Raises NotFound, StoreUnavailable."""
        known = self.peek(credential_id)
        if known is not None:
            return known
        found = await self._store.get_credential(credential_id)
        if found.state is CredentialState.ACTIVE:
            self._known[credential_id] = found
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return found

    def peek(self, credential_id: CredentialId) -> CredentialRecord | None:
        """What is remembered."""
        known = self._known.get(credential_id)
        if known is not None:
            self._known.move_to_end(credential_id)
        return known

    def forget(self, credential_id: CredentialId) -> None:
        """Drop what turned out not to sign."""
        self._known.pop(credential_id, None)


class Sign:
    """The use case behind Signing.Sign. process: name of this process, for the record. verify:
    whether signatures are verified before they leave."""

    def __init__(
        self,
        tokens: Signer,
        store: SignatureStore,
        credentials: CredentialCache,
        clock: Clock,
        process: str,
        *,
        agreements: Agreements,
        verify: bool = False,
    ) -> None:
        self._verify = verify
        self._tokens = tokens
        self._store = store
        self._credentials = credentials
        self._agreements = agreements
        self._clock = clock
        self._process = process

    async def hash_for_document(self, credential_id: CredentialId, scope: Scope) -> Hash:
        """The hash to make a document's digest with, for a caller whose request would not be
        refused as things stand.

        Raises NotFound, PermissionDenied, WrongState, StoreUnavailable, and InvalidRequest for a
        key that signs no digests.
        """
        credential = await self._credentials.get(credential_id)
        check_signs(credential, scope, self._clock.now())
        hash_ = spec_of(credential.algorithm).hash
        if hash_ is None:
            raise InvalidRequest(
                "an Ed25519 key signs the data itself, which it cannot take in pieces: call Sign, "
                "or use a key of another algorithm",
                reason="DOCUMENT_NOT_SUPPORTED",
                field="credential",
            )
        return hash_

    async def sign(self, request: SignRequest) -> tuple[bytes, CredentialRecord]:
        """The signature and the credential that made it.

        The record is durable before the signature is returned, and it is refused in the same
        transaction when the credential was retired or suspended meanwhile: a signature that was
        not recorded is thrown away. Raises NotFound, PermissionDenied, InvalidRequest, WrongState,
        TokenUnavailable, TokenRefused, LimitExceeded, DeadlineExceeded, StoreUnavailable.
        """
        credential = await self._credentials.get(request.credential)
        check_signs(credential, request.scope, self._clock.now())
        message = message_of(request, credential)
        use = None
        if credential.activation is not Activation.NONE:
            use = await agreement_for(
                self._agreements, request, credential, [request.agreed or message]
            )
        signature = await self._sign_on_token(credential, message, request.deadline)
        if self._verify and (broken := check_made(credential, message, signature)):
            raise broken
        reach(FaultPoint.SIGN_BEFORE_RECORD)
        made = [(message, signature)]
        event = signature_event(
            request, credential, made, self._clock.now(), self._process, use=use
        )
        [refusal] = await self._store.record_signatures(
            [SignatureRecord(request.credential, event, use)]
        )
        if refusal is not None:
            if isinstance(refusal, WrongState):
                # In the words that a caller meets whose front did not know the key yet.
                await self._require_active(request.credential)
            raise refusal
        reach(FaultPoint.SIGN_RECORDED)
        return signature, credential

    async def require_agreement(
        self, request: SignRequest, credential: CredentialRecord, message: bytes
    ) -> None:
        """Look, before any key is used, whether sign would be refused for want of the subscriber's
        agreement. Raises as Agreements.check."""
        if credential.activation is not Activation.NONE:
            await agreement_for(self._agreements, request, credential, [request.agreed or message])

    async def _sign_on_token(
        self, credential: CredentialRecord, message: bytes, deadline: float
    ) -> bytes:
        try:
            return await self._tokens.sign(
                credential.key, credential.algorithm, message, deadline=deadline
            )
        except (TokenRefused, TokenUnavailable):
            await self._require_active(credential.credential_id)
            raise

    async def _require_active(self, credential_id: CredentialId) -> None:
        """The key may be gone because it was retired and destroyed since it was looked up."""
        await require_active(self._credentials, credential_id)


async def agreement_for(
    agreements: Agreements,
    request: SignRequest,
    credential: CredentialRecord,
    messages: Sequence[bytes],
) -> AuthorisationUse | None:
    """What the record of a request's signatures has to count. Raises as Agreements.check."""
    return await agreements.check(
        request.authorisation,
        credential,
        messages,
        principal=request.principal,
        request_id=request.request_id,
    )


def check_signs(credential: CredentialRecord, scope: Scope, now_utc: datetime) -> None:
    """Raises PermissionDenied and WrongState when a credential does not sign for this caller now,
    as far as that is known without the store."""
    check_scope(credential, scope)
    if credential.state is not CredentialState.ACTIVE:
        raise barred(credential)
    end = credential.not_after_utc
    # notAfter is the last moment of validity (RFC 5280, 4.1.2.5).
    if end is not None and end < now_utc:
        raise WrongState(
            f"credentials/{credential.credential_id} does not sign any more: its certificate "
            f"expired at {end:%Y-%m-%d %H:%M:%S} UTC; issue a new certificate",
            reason="CERTIFICATE_EXPIRED",
        )


def message_of(request: SignRequest, credential: CredentialRecord) -> bytes:
    """What the key signs. Raises InvalidRequest."""
    purpose = request.purpose
    if purpose and (len(purpose) > _PURPOSE_MOST or not purpose.isprintable()):
        raise InvalidRequest(
            f"purpose: at most {_PURPOSE_MOST} printable characters",
            reason="PURPOSE_UNUSABLE",
            field="purpose",
        )
    check_purpose(purpose, request.input.content, is_data=request.input.digest_hash is None)
    return request.input.message_for(credential.algorithm)


async def require_active(credentials: CredentialCache, credential_id: CredentialId) -> None:
    """Look again at a credential that turned out not to sign. Raises WrongState, NotFound."""
    credentials.forget(credential_id)
    credential = await credentials.get(credential_id)
    if credential.state is not CredentialState.ACTIVE:
        raise barred(credential)


def signature_event(
    request: SignRequest,
    credential: CredentialRecord,
    made: Sequence[tuple[bytes, bytes]],
    now_utc: datetime,
    process: str,
    *,
    use: AuthorisationUse | None = None,
) -> AuditEvent:
    """What is put on record of signatures that one key made together for one call.

    made: each message with its signature.
    One has `digest`, HASH:HEX; several have `count` and `digests`, HASH: and the digests in their
    order with a space between. For Ed25519, which signs messages, it is their SHA-256. By
    `signature`, or `signatures` in the same order, a proof finds the record: sha256: of each.
    """
    hash_ = spec_of(credential.algorithm).hash
    digests = digests_of(credential.algorithm, [message for message, _ in made])
    name = (hash_ or Hash.SHA256).value
    signatures = [sha256(signature).hexdigest() for _, signature in made]
    details = {
        "algorithm": credential.algorithm.value,
        "certificate": credential.certificate or "",
        "process": process,
        "subscriber": credential.subscriber,
    }
    if len(digests) == 1:
        details["digest"] = f"{name}:{digests[0].hex()}"
        details["signature"] = f"sha256:{signatures[0]}"
    else:
        details["count"] = str(len(digests))
        details["digests"] = f"{name}:{' '.join([one.hex() for one in digests])}"
        details["signatures"] = f"sha256:{' '.join(signatures)}"
    if use is not None:
        details["authorisation"] = use.authorisation_id
    if request.purpose:
        details["purpose"] = request.purpose
    return AuditEvent(
        EventKind.SIGNATURE_CREATED,
        now_utc,
        request.principal,
        f"credentials/{credential.credential_id}",
        request.request_id,
        details,
    )


def check_scope(credential: CredentialRecord, scope: Scope) -> None:
    """Raises PermissionDenied when the caller's grants do not cover the credential."""
    if not scope.covers(credential.subscriber, credential.key_group):
        raise PermissionDenied(
            f"credentials/{credential.credential_id} is outside your grants; ask the operator for "
            "a grant that names its subscriber or key group",
            reason="OUT_OF_SCOPE",
        )


def barred(credential: CredentialRecord) -> WrongState:
    """The one wording for a key that does not sign, now or ever again."""
    if credential.state is CredentialState.SUSPENDED:
        return WrongState(
            f"credentials/{credential.credential_id} does not sign while its certificate is "
            "suspended; have the certificate resumed first",
            reason="CREDENTIAL_SUSPENDED",
        )
    return WrongState(
        f"credentials/{credential.credential_id} never signs again: its certificate was revoked "
        "or replaced; use the subscriber's current certificate",
        reason="CREDENTIAL_RETIRED",
    )
