"""What to do next, from the reason of an error, or from its family."""

from typing import Final

from signerd_client.error import SignerdError

_OF_REASON: Final = {
    "ACTIVATION_LOCKED": "An officer who knows whom the key serves unlocks it.",
    "ACTIVATION_NOT_REQUIRED": "Sign without an authorisation.",
    "ACTIVATION_REQUIRED": "Ask the subscriber for PIN or code and call authorize_signing first.",
    "ALGORITHM_UNKNOWN": "Name one of the algorithms of the API; none is chosen silently.",
    "AUTHORISATION_ABSENT": "Give the missing proofs; the last one makes an authorisation.",
    "AUTHORISATION_CODE_WRONG": "Copy both again; after too many wrong codes they are void.",
    "AUTHORISATION_EXPIRED": (
        "Of an enrolment: give the last proof again for a new one. To sign: ask the subscriber to"
        " agree again, and sign at once."
    ),
    "AUTHORISATION_INVALID": "Authorise with this key and client; one is good for nothing else.",
    "AUTHORISATION_USED": "It gets one certificate, once; open another enrolment for another one.",
    "AUTHORISATION_USED_UP": "Ask the subscriber to agree to more signatures.",
    "AUTHORISATION_VOID": "Give the last proof again for a new one.",
    "BIOMETRIC_KEY_ABSENT": "Register the key of the app, or prove the identity otherwise.",
    "BIOMETRIC_STATEMENT_STALE": "Recognise the customer again, and sign a new statement.",
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
    "CERTIFICATE_VALID": "Reissue the certificate that is there, or renew it before it expires.",
    "CHECKSUM_MISMATCH": "Bytes changed on the way. Check memory and network of both machines.",
    "CLOCK_NOT_TRUSTED": "Ask the operator to have the daemon's clock kept right, then try again.",
    "CMS_MALFORMED": "Send the whole message, DER or PEM, and nothing else.",
    "CODE_ABSENT": "Have a new code sent.",
    "CODE_EXPIRED": "Have a new code sent, and give it before it lapses.",
    "CODE_WRONG": "Type the code that was sent last.",
    "CREDENTIAL_RETIRED": (
        "This key never signs again. Use the credential of the certificate that replaced its own."
    ),
    "CREDENTIAL_SUSPENDED": "Its certificate is on hold. Have it resumed by the RA supervisor.",
    "CSR_CERTIFICATE": "Its key is not on the token; use the key where the CSR was made.",
    "DIGEST_LENGTH": "Send the digest of the key's own hash, as raw bytes.",
    "CONTENT_MISMATCH": "Sign the content that the message is over.",
    "CONTENT_MISSING": "Send the content, or its digest for a detached signature.",
    "DETACHED_MISMATCH": "Say detached as the message is.",
    "DIGEST_MISMATCH": "Hash with the hash of the key's algorithm, or send the data instead.",
    "DIGEST_NOT_SUPPORTED": "Send the data instead of a digest.",
    "DOCUMENT_NOT_REGISTERED": "Use the registered document, or have the registration changed.",
    "DOCUMENT_VERIFIER_ABSENT": "Ask the operator to configure who verifies documents.",
    "ENROLMENT_CANCELLED": "Open another enrolment.",
    "ENROLMENT_CLAIMED": "Repeat the claim with its own request id, or open another enrolment.",
    "ENROLMENT_COMPLETED": "Open another enrolment for what comes next.",
    "ENROLMENT_EXPIRED": "Open another enrolment.",
    "FACTOR_MISSING": "Give the proofs that are missing; the enrolment lists them.",
    "DIGEST_NOT_AUTHORISED": "Have the subscriber agree to exactly what is to be signed.",
    "HOLD_IS_SUSPENSION": "Suspend the certificate instead; it can be resumed.",
    "IDENTITY_ABSENT": "Ask about a certificate of a profile that certifies a virtual ID.",
    "IDENTITY_ERASED": "The holder has left; do not rely on this certificate.",
    "IDENTITY_LOCKED": "Somebody tries numbers. Wait as told, and find out who it is.",
    "IDENTITY_REGISTERED": "Leave the identity number out; the registered one is certified.",
    "KEY_ALGORITHM_MISSING": "Say how the key signed: an RSA key does not tell its padding.",
    "IDENTITY_REQUIRED": "Give the identity number; for an enrolment, at the registration.",
    "KEY_NOT_FOUND": (
        "If its certificate was revoked or replaced, use the new one's credential; otherwise ask"
        " the operator to restore the token."
    ),
    "LOCKED_OUT": "Wait until the time of release; what is tried before is not looked at.",
    "LOGIN_PURPOSE": "Use sign_login for login challenges, and for nothing else.",
    "PASSWORD_ABSENT": "Set a password, or prove the identity otherwise.",
    "PASSWORD_CURRENT_MISSING": "Give the password in force too.",
    "PASSWORD_EXPIRED": "Change it with the one in force, then prove with the new one.",
    "PIN_ABSENT": "An officer sets one with set_activation_pin.",
    "PIN_WEAK": "Take a PIN that nobody would try first.",
    "PROFILE_UNKNOWN": "`signerctl server info` lists the profiles of this daemon.",
    "PROOF_WRONG": (
        "Sign renewal_statement(certificate, request_id) with the certificate's own key."
    ),
    "REFERENCE_NUMBER_UNKNOWN": "Use the latest reference number; an earlier one is void.",
    "REISSUE_INSTEAD": "Open an enrolment for the reissue of the revoked certificate.",
    "RENEWAL_TOO_EARLY": "Come back in the last days of its validity, or reissue it.",
    "PDF_MALFORMED": "Send a PDF file.",
    "REQUEST_ID_REUSED": (
        "Use a new request id for a new request; to repeat an earlier one, repeat all of it."
    ),
    "SUBSCRIBER_ERASED": "Register the subscriber again.",
    "SUBSCRIBER_HAS_CERTIFICATE": "Revoke what is valid or suspended first.",
    "SUBSCRIBER_NOT_REGISTERED": "Register the subscriber first.",
    "SUBSCRIBER_REGISTERED": "Change what is registered instead.",
    "SUSPENSION_LIMIT_PASSED": "It was on hold for too long: issue a new one.",
    "VERIFY_TIME_AHEAD": "Send the time of signing, which lies in the past, or none for now.",
    "TOKEN_POOL_FULL": "Ask the operator for another subscriber token.",
}


def advice_for(family: type[SignerdError], reason: str) -> str:
    """Advice on a reason; the family's where the reason says nothing more."""
    return _OF_REASON.get(reason, family.advice_of_family)
