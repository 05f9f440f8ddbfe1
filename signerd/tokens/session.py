"""One token, open and logged in, with the handles of its keys."""

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
from signerd.tokens.key_handle import KeyHandles
from signerd.tokens.key_template import (
    destroy_all,
    excess_uses,
    key_templates,
    read_origin,
    require_protected,
    spki_of,
)
from signerd.tokens.leftover import destroy_unfinished
from signerd.tokens.mechanism import SignSpec, generate_spec_of, sign_spec_of
from signerd.tokens.search import GONE, objects_left
from signerd.tokens.secret_key import SecretKeys
from signerd.tokens.token_spec import Report

# What a token says that does not want to be told False (tpm2-pkcs11: a bare GeneralError).
_TEMPLATE_REFUSALS: Final = (
    AttributeTypeInvalid,
    AttributeValueInvalid,
    TemplateInconsistent,
    GeneralError,
    FunctionFailed,
)
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
        present = self.require_present
        self._keys = KeyHandles(ref, session, ObjectClass.PRIVATE_KEY, present)
        self.secrets = SecretKeys(
            ref, session, KeyHandles(ref, session, ObjectClass.SECRET_KEY, present)
        )

    def sign(self, cka_id: bytes, algorithm: KeyAlgorithm, message: bytes) -> bytes:
        """Sign a digest (Ed25519: the message); ECDSA signatures are DER.

        Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY), InvalidRequest (DIGEST_LENGTH).
        """
        spec = sign_spec_of(algorithm)
        return self._keys.use(cka_id, self._sign_with, spec, spec.data_for(message))

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
            self._keys.drop(cka_id)
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
            self._keys.hold(cka_id, private)
            origin = read_origin(private)
            return GeneratedKey(
                spki, origin.local, origin.always_sensitive, origin.never_extractable
            )

    def destroy_key(self, cka_id: bytes) -> int:
        """Destroy every object with this CKA_ID; returns how many there were."""
        with Pkcs11Errors(f"{self.ref}: destroy"):
            self._keys.drop(cka_id)
            self.secrets.drop(cka_id)
            count = destroy_all(self._with_id(cka_id))
        if count == 0:
            # SoftHSM without its files finds nothing and says so without error.
            self.require_present()
        return count

    def list_keys(self) -> list[TokenKey]:
        """Every private and secret key. What killed hosts left unfinished is destroyed."""
        with Pkcs11Errors(f"{self.ref}: list"):
            destroy_unfinished(self.session)
            found = [
                *objects_left(self.session, {Attribute.CLASS: ObjectClass.PRIVATE_KEY}),
                *objects_left(self.session, {Attribute.CLASS: ObjectClass.SECRET_KEY}),
            ]
            keys = [key for key in map(_token_key, found) if key is not None]
        if not keys:
            self.require_present()
        return keys

    def find_private(self, cka_id: bytes) -> Object:
        """The private key object. Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY)."""
        return self._keys.find(cka_id)

    def hold_all(self) -> None:
        """Take the handles of all keys now instead of at the first use. Subscribers have no
        secret keys."""
        self._keys.hold_all()
        if self.purpose is TokenPurpose.AUTHORITY:
            self.secrets.hold_all()

    def ambiguous_ids(self) -> list[bytes]:
        """CKA_IDs that more than one private key carries, or more than one secret key, as far as
        they have been listed."""
        return [*self._keys.ambiguous_ids(), *self.secrets.ambiguous_ids()]

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
