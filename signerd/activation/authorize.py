"""Exchange the subscriber's agreement for an authorisation to sign."""

import base64
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from signerd.activation.call import ActivationContext, Attempt, require_unlocked
from signerd.activation.set_pin import require_pin
from signerd.audit.event import EventKind
from signerd.config.secret_source import Secret
from signerd.core.activation import ActivationRecord, SigningAuthorisation
from signerd.core.algorithm import Hash, spec_of
from signerd.core.error import InvalidRequest
from signerd.core.record import CredentialRecord
from signerd.core.value import CredentialId
from signerd.identity.one_time_code import ActivationBinding, verify_code
from signerd.registry.answered import Caller
from signerd.signing.sign import SignInput, check_signs

_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PinProof:
    """What the subscriber typed."""

    pin: Secret


@dataclass(frozen=True, slots=True)
class CodeProof:
    """What the subscriber typed."""

    code: Secret


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A checked call. count: 0 where the caller leaves it to the digests. digests: each with its
    hash; empty where anything may be signed."""

    credential: CredentialId
    proof: PinProof | CodeProof
    count: int
    digests: tuple[SignInput, ...]


@dataclass(frozen=True, slots=True)
class GivenAuthorisation:
    """secret: what the caller shows when it signs. authorisation_id: no secret. count: signatures
    that it is good for."""

    secret: str = field(repr=False)
    authorisation_id: str
    count: int
    expires_utc: datetime


class AuthorizeSigning:
    """The use case behind Activation.AuthorizeSigning. lifetime_s: of an authorisation. most:
    signatures of one."""

    def __init__(self, context: ActivationContext, *, lifetime_s: int, most: int) -> None:
        self._context = context
        self._lifetime = timedelta(seconds=lifetime_s)
        self._most = most

    async def authorize(self, request: AuthorizeRequest, caller: Caller) -> GivenAuthorisation:
        """An authorisation for this caller, once the proof is right; to the same call again the
        same one.

        1. What cannot be signed anyway is refused before a proof is used up.
        2. The proof is judged, and counted when it is wrong.
        3. Proof used, failures forgotten, authorisation stored, on record and answered in one
           transaction; only hashes of PIN, code and authorisation are there, and the answer
           sealed.

        Raises InvalidRequest (COUNT_OUT_OF_RANGE, DIGEST_MISMATCH, DIGEST_LENGTH, PIN_WRONG,
        CODE_WRONG, CODE_MALFORMED), WrongState (ACTIVATION_LOCKED, PIN_ABSENT, CODE_ABSENT,
        CODE_EXPIRED, CREDENTIAL_SUSPENDED, CERTIFICATE_EXPIRED), Interrupted, and as
        ActivationContext.find and Sealer.
        """
        context = self._context
        credential = await context.find(request.credential, caller)
        call = await context.answers.of("AuthorizeSigning", caller)
        if (earlier := await call.earlier(GivenAuthorisation)) is not None:
            return earlier
        check_signs(credential, caller.scope, context.clock.now())
        digests = _digests_for(credential, request.digests)
        count = self._count(request)
        before = await context.activations.find_activation(request.credential)
        require_unlocked(credential, before)
        attempt = Attempt(credential, before, call, caller)
        after = replace(await self._judge(request, attempt), failures=0)
        secret = base64.urlsafe_b64encode(context.random(_SECRET_BYTES)).decode().rstrip("=")
        made = self._make(credential, caller, count, digests, secret)
        given = GivenAuthorisation(
            f"{made.authorisation_id}.{secret}", made.authorisation_id, count, made.expires_utc
        )
        event = context.event(
            EventKind.SIGNING_AUTHORISED,
            credential,
            caller,
            authorisation=made.authorisation_id,
            count=str(count),
            digests="any" if digests is None else str(len(digests)),
            proof="PIN" if isinstance(request.proof, PinProof) else "CODE",
        )
        await context.activations.change_activation(
            request.credential,
            before,
            after,
            event,
            await call.result(given),
            authorisation=made,
        )
        return given

    async def _judge(self, request: AuthorizeRequest, attempt: Attempt) -> ActivationRecord:
        """What becomes of the record when the proof is right."""
        context, before = self._context, attempt.before
        if isinstance(request.proof, PinProof):
            await require_pin(context, attempt, request.proof.pin, field="pin")
            return before
        check = await verify_code(
            before.code,
            ActivationBinding(request.credential),
            request.proof.code,
            context.code_rule,
            context.clock.now(),
            mac=context.mac(attempt.caller),
        )
        if check.refusal is None:
            return replace(before, code=check.state)
        if check.refusal.reason not in ("CODE_WRONG", "LOCKED_OUT"):
            raise check.refusal
        raise await context.count_failure(
            attempt, what="the code", reason="CODE_WRONG", field="code"
        )

    def _count(self, request: AuthorizeRequest) -> int:
        count = request.count or len(request.digests) or 1
        if not 1 <= count <= self._most:
            raise InvalidRequest(
                f"an authorisation is good for 1 to {self._most} signatures, not for {count}",
                reason="COUNT_OUT_OF_RANGE",
                field="signature_count",
            )
        return count

    def _make(
        self,
        credential: CredentialRecord,
        caller: Caller,
        count: int,
        digests: frozenset[bytes] | None,
        secret: str,
    ) -> SigningAuthorisation:
        return SigningAuthorisation(
            authorisation_id=self._context.random(_ID_BYTES).hex(),
            secret_sha256=sha256(secret.encode()).digest(),
            credential=credential.credential_id,
            principal=caller.principal,
            remaining=count,
            digests=digests,
            expires_utc=self._context.clock.now() + self._lifetime,
        )


def _digests_for(
    credential: CredentialRecord, inputs: tuple[SignInput, ...]
) -> frozenset[bytes] | None:
    """Raises InvalidRequest (DIGEST_MISMATCH, DIGEST_LENGTH)."""
    if not inputs:
        return None
    if spec_of(credential.algorithm).hash is not None:
        return frozenset(one.message_for(credential.algorithm) for one in inputs)
    for one in inputs:
        if one.digest_hash is not Hash.SHA256 or len(one.content) != Hash.SHA256.digest_size:
            raise InvalidRequest(
                "an Ed25519 key signs messages: send the SHA-256 of each, 32 bytes",
                reason="DIGEST_MISMATCH",
                field="digests",
            )
    return frozenset(one.content for one in inputs)
