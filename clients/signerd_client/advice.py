"""What to do next, from the reason of an error, or from its family."""

from typing import Final

from signerd_client.error import SignerdError

_OF_REASON: Final = {
    "ALGORITHM_UNKNOWN": "Name one of the algorithms of the API; none is chosen silently.",
    "CERTIFICATE_EXPIRED": "An expired certificate cannot be reissued: issue a new one.",
    "CERTIFICATE_NAMES_NO_PRINCIPAL": (
        "Ask the operator for a client certificate with a SAN URI or DNS name."
    ),
    "CERTIFICATE_NOT_ACTIVE": (
        "Look at the certificate's state; if it was replaced, use the one in replaced_by."
    ),
    "CHECKSUM_MISMATCH": "Bytes changed on the way. Check memory and network of both machines.",
    "CREDENTIAL_RETIRED": (
        "This key never signs again. Use the credential of the certificate that replaced its own."
    ),
    "CSR_CERTIFICATE": "Its key is not on the token; use the key where the CSR was made.",
    "DIGEST_LENGTH": "Send the digest of the key's own hash, as raw bytes.",
    "DIGEST_MISMATCH": "Hash with the hash of the key's algorithm, or send the data instead.",
    "DIGEST_NOT_SUPPORTED": "Send the data instead of a digest.",
    "KEY_NOT_FOUND": (
        "If its certificate was revoked or replaced, use the new one's credential; otherwise ask"
        " the operator to restore the token."
    ),
    "PROFILE_UNKNOWN": "`signerctl server info` lists the profiles of this daemon.",
    "REQUEST_ID_REUSED": (
        "Use a new request id for a new request; to repeat an earlier one, repeat all of it."
    ),
    "TOKEN_POOL_FULL": "Ask the operator for another subscriber token.",
}


def advice_for(family: type[SignerdError], reason: str) -> str:
    """Advice on a reason; the family's where the reason says nothing more."""
    return _OF_REASON.get(reason, family.advice_of_family)
