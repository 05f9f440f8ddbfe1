"""One token, open and logged in, with the handles of its keys."""

import contextlib
import time
from typing import Final

from pkcs11 import (
    Attribute,
    AttributeTypeInvalid,
    AttributeValueInvalid,
    FunctionFailed,
    GeneralError,
    MechanismFlag,
    Object,
    ObjectClass,
    PKCS11Error,
    PrivateKey,
    PublicKey,
    Session,
    SignMixin,
    TemplateInconsistent,
)
from pkcs11.types import Key

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal, TokenRefused
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import GeneratedKey, TokenKey
from signerd.core.value import TokenRef
from signerd.tokens.error import Pkcs11Errors, SessionLost
from signerd.tokens.key_template import (
    destroy_all,
    excess_uses,
    key_templates,
    read_flag,
    require_protected,
    spki_of,
)
from signerd.tokens.leftover import destroy_unfinished
from signerd.tokens.mechanism import SignSpec, generate_spec_of, sign_spec_of
from signerd.tokens.search import GONE, objects_left
from signerd.tokens.token_spec import Report

# What a token says that does not want to be told False (tpm2-pkcs11: a bare GeneralError).
_TEMPLATE_REFUSALS: Final = (
    AttributeTypeInvalid,
    AttributeValueInvalid,
    TemplateInconsistent,
    GeneralError,
    FunctionFailed,
)
KEY_NOT_FOUND: Final = "KEY_NOT_FOUND"
# Metadata of a refusal: this process had the key's handle, so that the key was destroyed since.
WAS_HELD: Final = "was_held"
_HANDLES_MOST: Final = 50_000
_PRESENCE_TRIES: Final = 5
_PRESENCE_PAUSE_S: Final = 0.02


class TokenSession:
    """What can be done on a token. Used from one thread; the login lasts as long as the process.

    Every method raises SessionLost (the object is then of no more use), TokenRefused or
    TokenUnavailable.
    """

    def __init__(
        self, ref: TokenRef, purpose: TokenPurpose, session: Session, report: Report
    ) -> None:
        self.ref = ref
        self.purpose = purpose
        self.session = session
        self._report = report
        # None marks a CKA_ID under which two private keys were found.
        self._handles: dict[bytes, Object | None] = {}
        self._listed = False

    def sign(self, cka_id: bytes, algorithm: KeyAlgorithm, message: bytes) -> bytes:
        """Sign a digest (Ed25519: the message); ECDSA signatures are DER.

        Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY), InvalidRequest (DIGEST_LENGTH).
        """
        spec = sign_spec_of(algorithm)
        data = spec.data_for(message)
        key = self._handles.get(cka_id)
        if key is None:
            return self._sign_with(self._find_private(cka_id), spec, data)
        try:
            return self._sign_with(key, spec, data)
        except SessionLost as error:
            if not isinstance(error.__cause__, GONE):
                raise
        # Another process may have made the key anew or destroyed it: look once more.
        self._handles.pop(cka_id, None)
        try:
            found = self._find_private(cka_id)
        except TokenRefused as error:
            error.metadata[WAS_HELD] = "yes"
            raise
        return self._sign_with(found, spec, data)

    def generate_key(
        self, cka_id: bytes, algorithm: KeyAlgorithm, *, is_repeat: bool = True
    ) -> GeneratedKey:
        """Make a key pair under a CKA_ID.

        is_repeat: an earlier attempt may have left something under this CKA_ID, which is
        destroyed first. Looking for it costs as much as the token has keys, and a SoftHSM
        process that searches while another one writes a key may never see that key (see
        TokenSet.sign), so that a first attempt does without.
        """
        with Pkcs11Errors(f"{self.ref}: generate"):
            self._handles.pop(cka_id, None)
            if is_repeat:
                destroy_all(self._with_id(cka_id))
            public, private, fallback = self._generate_pair(cka_id, algorithm)
            try:
                require_protected(private)
                spki = spki_of(public, algorithm)
            except (TokenRefused, ValueError) as error:
                destroy_all((private, public))
                if isinstance(error, ValueError):
                    raise Internal(f"{self.ref}: unusable public key: {error}") from error
                raise
            if fallback:
                self._report_uses(cka_id, private)
            self._hold(cka_id, private)
            return GeneratedKey(
                spki,
                local=read_flag(private, Attribute.LOCAL),
                always_sensitive=read_flag(private, Attribute.ALWAYS_SENSITIVE),
                never_extractable=read_flag(private, Attribute.NEVER_EXTRACTABLE),
            )

    def destroy_key(self, cka_id: bytes) -> int:
        """Destroy every object with this CKA_ID; returns how many there were."""
        with Pkcs11Errors(f"{self.ref}: destroy"):
            self._handles.pop(cka_id, None)
            count = destroy_all(self._with_id(cka_id))
        if count == 0:
            # SoftHSM without its files finds nothing and says so without error.
            self.require_present()
        return count

    def list_keys(self) -> list[TokenKey]:
        """Every private key. What killed hosts left unfinished is destroyed."""
        with Pkcs11Errors(f"{self.ref}: list"):
            destroy_unfinished(self.session)
            found = objects_left(self.session, {Attribute.CLASS: ObjectClass.PRIVATE_KEY})
            keys = [key for key in map(_token_key, found) if key is not None]
        if not keys:
            self.require_present()
        return keys

    def find_private(self, cka_id: bytes) -> Object:
        """The private key object. Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY)."""
        return self._handles.get(cka_id) or self._find_private(cka_id)

    def hold_all(self) -> None:
        """Take the handles of all private keys, once: 0.1 ms a key, where a search for a single
        one walks over all of them anyway."""
        if self._listed:
            return
        self._listed = True
        # Counted within the listing: keys that were made or found before are held already, and
        # are listed too.
        listed: dict[bytes, Object | None] = {}
        # One damaged object can break the listing; keys are then found one by one.
        with contextlib.suppress(PKCS11Error):
            template = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
            for key in objects_left(self.session, template):
                with contextlib.suppress(*GONE):
                    cka_id = bytes(key[Attribute.ID])
                    listed[cka_id] = None if cka_id in listed else key
        for cka_id, found in listed.items():
            self._hold(cka_id, found)

    def ambiguous_ids(self) -> list[bytes]:
        """CKA_IDs that more than one private key carries, as far as they have been listed."""
        return [cka_id for cka_id, key in self._handles.items() if key is None]

    def require_present(self) -> None:
        """Raises SessionLost when the token does not answer.

        C_GetTokenInfo of SoftHSM fails while another process logs in, so it is asked a few
        times.
        """
        where = f"{self.ref}: token information"
        for _ in range(_PRESENCE_TRIES - 1):
            try:
                self._check_serial()
            except PKCS11Error:
                time.sleep(_PRESENCE_PAUSE_S)
            else:
                return
        with Pkcs11Errors(where):
            self._check_serial()

    def _check_serial(self) -> None:
        token = self.session.token.slot.get_token()
        if token.serial.decode("utf-8", errors="replace") != self.ref.serial:
            raise SessionLost(f"{self.ref}: another token is in its slot")

    def _sign_with(self, key: Object, spec: SignSpec, data: bytes) -> bytes:
        if not isinstance(key, SignMixin):
            raise TokenRefused(f"{self.ref}: the key may not sign", reason="KEY_USAGE_REFUSED")
        with Pkcs11Errors(f"{self.ref}: sign"):
            raw = key.sign(data, mechanism=spec.mechanism, mechanism_param=spec.parameter)
        return spec.finish(raw)

    def _with_id(self, cka_id: bytes) -> list[Object]:
        # A list: SoftHSM allows no other operation in the session while a search is open.
        return list(objects_left(self.session, {Attribute.ID: cka_id}))

    def _find_private(self, cka_id: bytes) -> Object:
        with Pkcs11Errors(f"{self.ref}: find"):
            self.hold_all()
            if cka_id not in self._handles:
                found = list(
                    objects_left(
                        self.session,
                        {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: cka_id},
                    )
                )
                if found:
                    self._hold(cka_id, found[0] if len(found) == 1 else None)
        if cka_id not in self._handles:
            self.require_present()
            raise TokenRefused(
                f"{self.ref}: there is no private key {cka_id.hex()}; restore the token, or issue "
                "anew",
                reason=KEY_NOT_FOUND,
            )
        key = self._handles[cka_id]
        if key is None:
            # Not remembered: once an operator has removed one, the other serves.
            del self._handles[cka_id]
            raise TokenRefused(
                f"{self.ref}: two private keys carry CKA_ID {cka_id.hex()}; destroy the one that "
                "does not belong there",
                reason="AMBIGUOUS_KEY",
            )
        return key

    def _hold(self, cka_id: bytes, key: Object | None) -> None:
        if len(self._handles) >= _HANDLES_MOST:
            self._handles.pop(next(iter(self._handles)))
        self._handles[cka_id] = key

    def _generate_pair(
        self, cka_id: bytes, algorithm: KeyAlgorithm
    ) -> tuple[PublicKey, PrivateKey, bool]:
        try:
            return (*self._generate(cka_id, algorithm, strict=True), False)
        except _TEMPLATE_REFUSALS:
            destroy_all(self._with_id(cka_id))
        return (*self._generate(cka_id, algorithm, strict=False), True)

    def _generate(
        self, cka_id: bytes, algorithm: KeyAlgorithm, *, strict: bool
    ) -> tuple[PublicKey, PrivateKey]:
        spec = generate_spec_of(algorithm)
        public, private = key_templates(cka_id, strict=strict)
        uses = MechanismFlag.SIGN | MechanismFlag.VERIFY
        if spec.ec_params is None:
            return self.session.generate_keypair(
                spec.key_type,
                spec.bits,
                capabilities=uses,
                mechanism=spec.mechanism,
                public_template=public,
                private_template=private,
            )
        domain = self.session.create_domain_parameters(
            spec.key_type, {Attribute.EC_PARAMS: spec.ec_params}, local=True
        )
        return domain.generate_keypair(
            capabilities=uses,
            mechanism=spec.mechanism,
            public_template=public,
            private_template=private,
        )

    def _report_uses(self, cka_id: bytes, private: Key) -> None:
        self._report(
            "token.key_template_fallback",
            {
                "token": str(self.ref),
                "cka_id": cka_id.hex(),
                "excess_uses": " ".join(excess_uses(private)),
            },
        )


def _token_key(key: Object) -> TokenKey | None:
    """None for an object that another process destroyed since it was found, or is just making."""
    try:
        found = TokenKey(bytes(key[Attribute.ID]), str(key[Attribute.LABEL]))
    except GONE:
        return None
    return found if found.cka_id else None
