"""What an authorisation is good for: the one rule that use cases and store go by."""

import hmac
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256

from signerd.core.activation import AuthorisationUse, SigningAuthorisation
from signerd.core.error import PermissionDenied, WrongState
from signerd.core.value import CredentialId


def require_good(
    found: SigningAuthorisation | None, secret: str, credential: CredentialId, principal: str
) -> SigningAuthorisation:
    """The authorisation, if it is this caller's for this credential.

    Whatever is wrong, the answer is the same: who tries learns nothing. Raises PermissionDenied
    (AUTHORISATION_INVALID).
    """
    given = sha256(secret.encode()).digest()
    if (
        found is None
        or not hmac.compare_digest(found.secret_sha256, given)
        or found.credential != credential
        or found.principal != principal
    ):
        raise PermissionDenied(
            f"the authorisation is none of yours for credentials/{credential}, or ended long ago; "
            "ask the subscriber to agree, and authorise the signature",
            reason="AUTHORISATION_INVALID",
        )
    return found


def count_new(
    authorisation: SigningAuthorisation, counted: Mapping[bytes, int], use: AuthorisationUse
) -> int:
    """How many signatures of a use have not been counted yet.

    counted: signatures by digest that were counted of the same call: what it signs again, because
    its answer was lost, the subscriber has agreed to. Raises WrongState (AUTHORISATION_EXPIRED,
    AUTHORISATION_USED_UP) and PermissionDenied (DIGEST_NOT_AUTHORISED).
    """
    if authorisation.expires_utc < use.time_utc:
        raise WrongState(
            f"the authorisation ended at {authorisation.expires_utc:%Y-%m-%d %H:%M:%S} UTC; ask "
            "the subscriber to agree again",
            reason="AUTHORISATION_EXPIRED",
        )
    if authorisation.digests is not None and not authorisation.digests.issuperset(use.digests):
        raise PermissionDenied(
            "the subscriber has not agreed to sign this; authorise these digests",
            reason="DIGEST_NOT_AUTHORISED",
        )
    wanted = Counter(use.digests)
    new = sum(max(0, count - counted.get(digest, 0)) for digest, count in wanted.items())
    if new > authorisation.remaining:
        left = f"good for {authorisation.remaining} more signatures, not for {new}"
        raise WrongState(
            f"the authorisation is {left if authorisation.remaining else 'used up'}; ask the "
            "subscriber to agree again",
            reason="AUTHORISATION_USED_UP",
        )
    return new
