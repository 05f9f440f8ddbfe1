"""The subscriber's agreement, on the way of each signature of a key that requires it."""

from collections.abc import Sequence

from signerd.core.activation import Activation, AuthorisationUse
from signerd.core.agreement_rule import count_new, require_good
from signerd.core.algorithm import Hash, KeyAlgorithm, spec_of
from signerd.core.clock import Clock
from signerd.core.error import WrongState
from signerd.core.record import CredentialRecord
from signerd.pki.signature import digest
from signerd.signing.ports import AuthorisationStore


class Agreements:
    """Looks at agreements before a key is used. The record of the signature, which counts them in
    its transaction, has the last word."""

    def __init__(self, store: AuthorisationStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def check(
        self,
        authorisation: str,
        credential: CredentialRecord,
        messages: Sequence[bytes],
        *,
        principal: str,
        request_id: str,
    ) -> AuthorisationUse | None:
        """What the record of these signatures has to count; None for a key that needs no agreement.

        Raises WrongState (ACTIVATION_REQUIRED, AUTHORISATION_EXPIRED, AUTHORISATION_USED_UP),
        PermissionDenied (AUTHORISATION_INVALID, DIGEST_NOT_AUTHORISED), StoreUnavailable.
        """
        if credential.activation is Activation.NONE:
            return None
        name = credential.credential_id
        if not authorisation:
            raise WrongState(
                f"credentials/{name} signs with its subscriber's agreement only; ask the "
                "subscriber for the PIN or a one-time code, call AuthorizeSigning, and send the "
                "authorisation",
                reason="ACTIVATION_REQUIRED",
            )
        authorisation_id, _, secret = authorisation.partition(".")
        found = await self._store.find_authorisation(authorisation_id, request_id)
        good = require_good(None if found is None else found[0], secret, name, principal)
        use = AuthorisationUse(
            authorisation_id,
            request_id,
            tuple(digests_of(credential.algorithm, messages)),
            self._clock.now(),
        )
        count_new(good, {} if found is None else found[1], use)
        return use


def digests_of(algorithm: KeyAlgorithm, messages: Sequence[bytes]) -> Sequence[bytes]:
    """What is put on record of what a key signs: the digests, of a message its SHA-256."""
    if spec_of(algorithm).hash is not None:
        return messages
    return [digest(Hash.SHA256, message) for message in messages]
