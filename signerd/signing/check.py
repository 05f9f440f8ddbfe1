"""Verify what the token made before it leaves."""

from signerd.core.error import TokenUnavailable
from signerd.core.record import CredentialRecord
from signerd.pki.signature import verify_signature


def check_made(
    credential: CredentialRecord, message: bytes, signature: bytes
) -> TokenUnavailable | None:
    """Why a signature must not leave; None where it is good."""
    if verify_signature(credential.spki, credential.algorithm, message, signature).is_valid:
        return None
    return TokenUnavailable(
        f"the token made a signature for credentials/{credential.credential_id} that does not "
        "verify; it was thrown away: try again, and have the token looked at if it lasts",
        reason="SIGNATURE_BROKEN",
    )
