"""What to do next, from the reason of an error, or from its family."""

from typing import Final

from signerd_client.error import SignerdError

_OF_REASON: Final = {
    "ALGORITHM_UNKNOWN": "Name one of the algorithms of the API; none is chosen silently.",
    "CERTIFICATE_ACTIVE": "It is not on hold; there is nothing to do.",
    "CERTIFICATE_EXPIRED": "An expired certificate cannot be replaced: issue a new one.",
    "CERTIFICATE_NAMES_NO_PRINCIPAL": (
        "Ask the operator for a client certificate with a SAN URI or DNS name."
    ),
    "CERTIFICATE_REPLACED": "Go on with the certificate in replaced_by.",
    "CERTIFICATE_REVOKED": (
        "Revocation is for good. Until its expiry the certificate can be reissued."
    ),
    "CERTIFICATE_SUSPENDED": "Have it resumed first, or revoke it.",
    "CHALLENGE_EXPIRED": "Create a new challenge and have it signed at once.",
    "CHALLENGE_FAILED": "Create a new challenge, and find out who answers wrongly.",
    "CHALLENGE_UNKNOWN": "Send the statement exactly as CreateChallenge gave it to you.",
    "CHALLENGE_USED": "A challenge counts once. Create a new one.",
    "CHECKSUM_MISMATCH": "Bytes changed on the way. Check memory and network of both machines.",
    "CREDENTIAL_RETIRED": (
        "This key never signs again. Use the credential of the certificate that replaced its own."
    ),
    "CREDENTIAL_SUSPENDED": "Its certificate is on hold. Have it resumed by the RA supervisor.",
    "CSR_CERTIFICATE": "Its key is not on the token; use the key where the CSR was made.",
    "DIGEST_LENGTH": "Send the digest of the key's own hash, as raw bytes.",
    "DIGEST_MISMATCH": "Hash with the hash of the key's algorithm, or send the data instead.",
    "DIGEST_NOT_SUPPORTED": "Send the data instead of a digest.",
    "HOLD_IS_SUSPENSION": "Suspend the certificate instead; it can be resumed.",
    "IDENTITY_ABSENT": "Ask about a certificate of a profile that certifies a virtual ID.",
    "IDENTITY_ERASED": "The holder has left; do not rely on this certificate.",
    "IDENTITY_LOCKED": "Somebody tries numbers. Wait as told, and find out who it is.",
    "IDENTITY_REGISTERED": "Leave the identity number out; the registered one is certified.",
    "KEY_ALGORITHM_MISSING": "Say how the key signed: an RSA key does not tell its padding.",
    "KEY_NOT_FOUND": (
        "If its certificate was revoked or replaced, use the new one's credential; otherwise ask"
        " the operator to restore the token."
    ),
    "LOGIN_PURPOSE": "Use sign_login for login challenges, and for nothing else.",
    "PROFILE_UNKNOWN": "`signerctl server info` lists the profiles of this daemon.",
    "PROOF_WRONG": (
        "Sign renewal_statement(certificate, request_id) with the certificate's own key."
    ),
    "RENEWAL_TOO_EARLY": "Come back in the last days of its validity, or reissue it.",
    "REQUEST_ID_REUSED": (
        "Use a new request id for a new request; to repeat an earlier one, repeat all of it."
    ),
    "SUBSCRIBER_HAS_CERTIFICATE": "Revoke what is valid or suspended first.",
    "SUBSCRIBER_REGISTERED": "Change what is registered instead.",
    "SUSPENSION_LIMIT_PASSED": "It was on hold for too long: issue a new one.",
    "VERIFY_TIME_AHEAD": "Send the time of signing, which lies in the past, or none for now.",
    "TOKEN_POOL_FULL": "Ask the operator for another subscriber token.",
}


def advice_for(family: type[SignerdError], reason: str) -> str:
    """Advice on a reason; the family's where the reason says nothing more."""
    return _OF_REASON.get(reason, family.advice_of_family)
