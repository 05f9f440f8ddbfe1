"""Thin client of signerd: gRPC with typed errors, safe retries and deadlines.

    from signerd_client import Client, Target

    with Client(Target.from_environment()) as client:
        certificate = client.issue_certificate(
            "hong-gildong", "personal", "홍길동", key_algorithm="RSA_2048_PKCS1_SHA256"
        )
        signature = client.sign(certificate.credential, data=b"payment order")

`private_key` gives the key of a credential as a private key of `cryptography`, which libraries
take unchanged; it stays on the token. `AsyncClient` has the same methods for asyncio. Answers are
frozen dataclasses with times in UTC and DER as bytes. Resources are named by full name
("certificates/4f…") or bare id ("4f…").
Every call has a deadline and is tried again, within it, where that is safe and may help.
Every error is a `SignerdError` with message, reason, advice and request_id; its subclasses, one
per family, are in `signerd_client.error`, the types of answers in the modules named for them.
"""

from signerd_client.activation import ActivationMode, SigningAuthorisation
from signerd_client.algorithm import Hash, KeyAlgorithm
from signerd_client.async_client import AsyncClient
from signerd_client.batch_call import SignItem, SignResult
from signerd_client.certificate import (
    Certificate,
    CertificateState,
    Reissued,
    Renewed,
    RevocationReason,
)
from signerd_client.client import Client
from signerd_client.cms import CmsForm, CmsVerification, SignedCms
from signerd_client.enrolment import (
    Authorisation,
    Claimed,
    Enrolment,
    EnrolmentPurpose,
    EnrolmentState,
    Factor,
    Proven,
)
from signerd_client.error import SignerdError
from signerd_client.login import Challenge, Login, LoginStatement, login_statement
from signerd_client.proof import (
    BiometricProof,
    CodeProof,
    DocumentProof,
    PasswordProof,
    biometric_statement,
)
from signerd_client.remote_key import RemotePrivateKey
from signerd_client.replace_call import renewal_statement
from signerd_client.retry import RetryPolicy
from signerd_client.signature import PublicKey, Signature, Verification
from signerd_client.subscriber import DocumentKind, PersonalData, Subscriber
from signerd_client.target import Target
from signerd_client.time_stamp import TimeStamp

__all__ = [
    "ActivationMode",
    "AsyncClient",
    "Authorisation",
    "BiometricProof",
    "Certificate",
    "CertificateState",
    "Challenge",
    "Claimed",
    "Client",
    "CmsForm",
    "CmsVerification",
    "CodeProof",
    "DocumentKind",
    "DocumentProof",
    "Enrolment",
    "EnrolmentPurpose",
    "EnrolmentState",
    "Factor",
    "Hash",
    "KeyAlgorithm",
    "Login",
    "LoginStatement",
    "PasswordProof",
    "PersonalData",
    "Proven",
    "PublicKey",
    "Reissued",
    "RemotePrivateKey",
    "Renewed",
    "RetryPolicy",
    "RevocationReason",
    "SignItem",
    "SignResult",
    "Signature",
    "SignedCms",
    "SignerdError",
    "SigningAuthorisation",
    "Subscriber",
    "Target",
    "TimeStamp",
    "Verification",
    "biometric_statement",
    "login_statement",
    "renewal_statement",
]
