"""What each RPC needs and what each role has. An RPC that is not listed here is denied."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Permission(StrEnum):
    """SERVICE_DISCOVER is everybody's who is authenticated."""

    CERTIFICATE_ISSUE = "certificate.issue"
    CERTIFICATE_REISSUE = "certificate.reissue"
    CERTIFICATE_RENEW = "certificate.renew"
    CERTIFICATE_SUSPEND = "certificate.suspend"
    CERTIFICATE_RESUME = "certificate.resume"
    CERTIFICATE_REVOKE = "certificate.revoke"
    CERTIFICATE_GET = "certificate.get"
    CERTIFICATE_LIST = "certificate.list"
    IDENTITY_VERIFY = "identity.verify"
    SUBSCRIBER_REGISTER = "subscriber.register"
    SUBSCRIBER_GET = "subscriber.get"
    SUBSCRIBER_ERASE = "subscriber.erase"
    ENROLMENT_CONDUCT = "enrolment.conduct"
    CA_GET = "ca.get"
    PUBLIC_KEY_GET = "public_key.get"
    SIGNATURE_CREATE = "signature.create"
    SIGNATURE_VERIFY = "signature.verify"
    TIMESTAMP_CREATE = "timestamp.create"
    LOGIN_CONDUCT = "login.conduct"
    ACTIVATION_MANAGE = "activation.manage"
    ACTIVATION_USE = "activation.use"
    SERVER_GET = "server.get"
    TOKEN_GET = "token.get"  # noqa: S105 - the name of a permission
    AUDIT_READ = "audit.read"
    MESSAGE_READ = "message.read"
    SERVICE_DISCOVER = "service.discover"


class Role(StrEnum):
    """What principals may be; the policy file grants them.

    Taking a certificate off hold is the RA supervisor's, so that no single officer both suspends
    and resumes. Who sets the PIN of a key does not sign with it, and the other way round. A relying
    party asks who the holder of a certificate is, and logs holders in.
    """

    OPERATOR = "operator"
    RA_OFFICER = "ra-officer"
    RA_SUPERVISOR = "ra-supervisor"
    SIGNER = "signer"
    RELYING_PARTY = "relying-party"
    AUDITOR = "auditor"


RPC_PERMISSIONS: Final[Mapping[str, Permission]] = MappingProxyType(
    {
        "/signerd.v1.CertificateAuthority/IssueCertificate": Permission.CERTIFICATE_ISSUE,
        "/signerd.v1.CertificateAuthority/ReissueCertificate": Permission.CERTIFICATE_REISSUE,
        "/signerd.v1.CertificateAuthority/RenewCertificate": Permission.CERTIFICATE_RENEW,
        "/signerd.v1.CertificateAuthority/SuspendCertificate": Permission.CERTIFICATE_SUSPEND,
        "/signerd.v1.CertificateAuthority/ResumeCertificate": Permission.CERTIFICATE_RESUME,
        "/signerd.v1.CertificateAuthority/RevokeCertificate": Permission.CERTIFICATE_REVOKE,
        "/signerd.v1.CertificateAuthority/GetCertificate": Permission.CERTIFICATE_GET,
        "/signerd.v1.CertificateAuthority/ListCertificates": Permission.CERTIFICATE_LIST,
        "/signerd.v1.CertificateAuthority/CountCertificates": Permission.CERTIFICATE_LIST,
        "/signerd.v1.CertificateAuthority/WatchCertificates": Permission.CERTIFICATE_LIST,
        "/signerd.v1.CertificateAuthority/VerifyIdentity": Permission.IDENTITY_VERIFY,
        "/signerd.v1.CertificateAuthority/GetCaChain": Permission.CA_GET,
        "/signerd.v1.Enrolment/RegisterSubscriber": Permission.SUBSCRIBER_REGISTER,
        "/signerd.v1.Enrolment/UpdateSubscriber": Permission.SUBSCRIBER_REGISTER,
        "/signerd.v1.Enrolment/GetSubscriber": Permission.SUBSCRIBER_GET,
        "/signerd.v1.Enrolment/FindSubscribers": Permission.SUBSCRIBER_GET,
        "/signerd.v1.Enrolment/EraseSubscriber": Permission.SUBSCRIBER_ERASE,
        "/signerd.v1.Enrolment/SetPassword": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/RegisterBiometricKey": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/OpenEnrolment": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/SendCode": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/ProveIdentity": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/ClaimCertificate": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/ReportLoss": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/GetEnrolment": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/ListEnrolments": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Enrolment/CancelEnrolment": Permission.ENROLMENT_CONDUCT,
        "/signerd.v1.Signing/GetPublicKey": Permission.PUBLIC_KEY_GET,
        "/signerd.v1.Signing/Sign": Permission.SIGNATURE_CREATE,
        "/signerd.v1.Signing/BatchSign": Permission.SIGNATURE_CREATE,
        "/signerd.v1.Signing/SignStream": Permission.SIGNATURE_CREATE,
        "/signerd.v1.Signing/SignDocument": Permission.SIGNATURE_CREATE,
        "/signerd.v1.Signing/Verify": Permission.SIGNATURE_VERIFY,
        "/signerd.v1.DocumentSigning/SignCms": Permission.SIGNATURE_CREATE,
        "/signerd.v1.DocumentSigning/VerifyCms": Permission.SIGNATURE_VERIFY,
        "/signerd.v1.Timestamping/CreateTimestamp": Permission.TIMESTAMP_CREATE,
        "/signerd.v1.Timestamping/VerifyTimestamp": Permission.SIGNATURE_VERIFY,
        "/signerd.v1.Login/CreateChallenge": Permission.LOGIN_CONDUCT,
        "/signerd.v1.Login/VerifyChallengeResponse": Permission.LOGIN_CONDUCT,
        "/signerd.v1.Activation/SetActivationPin": Permission.ACTIVATION_MANAGE,
        "/signerd.v1.Activation/SendActivationCode": Permission.ACTIVATION_USE,
        "/signerd.v1.Activation/AuthorizeSigning": Permission.ACTIVATION_USE,
        "/signerd.v1.Activation/UnlockActivation": Permission.ACTIVATION_MANAGE,
        "/signerd.v1.Admin/GetServerInfo": Permission.SERVER_GET,
        "/signerd.v1.Admin/GetTokenStatus": Permission.TOKEN_GET,
        "/signerd.v1.Admin/ListAuditEvents": Permission.AUDIT_READ,
        "/signerd.v1.Admin/WatchAuditEvents": Permission.AUDIT_READ,
        "/signerd.v1.Admin/ProveAuditRecord": Permission.AUDIT_READ,
        "/signerd.v1.Admin/ListMessages": Permission.MESSAGE_READ,
        "/signerd.v1.Admin/GetMessage": Permission.MESSAGE_READ,
        "/grpc.health.v1.Health/Check": Permission.SERVICE_DISCOVER,
        "/grpc.health.v1.Health/List": Permission.SERVICE_DISCOVER,
        "/grpc.health.v1.Health/Watch": Permission.SERVICE_DISCOVER,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": Permission.SERVICE_DISCOVER,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": (
            Permission.SERVICE_DISCOVER
        ),
    }
)

EVERYBODY: Final = frozenset({Permission.SERVICE_DISCOVER})

ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.OPERATOR: frozenset(
            {
                Permission.SERVER_GET,
                Permission.TOKEN_GET,
                Permission.AUDIT_READ,
                Permission.MESSAGE_READ,
                Permission.CERTIFICATE_GET,
                Permission.CERTIFICATE_LIST,
                Permission.CERTIFICATE_SUSPEND,
                Permission.CERTIFICATE_REVOKE,
                Permission.CA_GET,
            }
        ),
        Role.RA_OFFICER: frozenset(
            {
                Permission.SUBSCRIBER_REGISTER,
                Permission.SUBSCRIBER_GET,
                Permission.SUBSCRIBER_ERASE,
                Permission.ENROLMENT_CONDUCT,
                Permission.ACTIVATION_MANAGE,
                Permission.CERTIFICATE_ISSUE,
                Permission.CERTIFICATE_REISSUE,
                Permission.CERTIFICATE_RENEW,
                Permission.CERTIFICATE_SUSPEND,
                Permission.CERTIFICATE_REVOKE,
                Permission.CERTIFICATE_GET,
                Permission.CERTIFICATE_LIST,
                Permission.CA_GET,
                Permission.SERVER_GET,
            }
        ),
        Role.RA_SUPERVISOR: frozenset(
            {
                Permission.CERTIFICATE_RESUME,
                Permission.CERTIFICATE_GET,
                Permission.CERTIFICATE_LIST,
                Permission.CA_GET,
                Permission.SERVER_GET,
            }
        ),
        Role.SIGNER: frozenset(
            {
                Permission.SIGNATURE_CREATE,
                Permission.ACTIVATION_USE,
                Permission.SIGNATURE_VERIFY,
                Permission.TIMESTAMP_CREATE,
                Permission.PUBLIC_KEY_GET,
                Permission.CERTIFICATE_RENEW,
                Permission.CERTIFICATE_GET,
                Permission.CA_GET,
                Permission.SERVER_GET,
            }
        ),
        Role.RELYING_PARTY: frozenset(
            {
                Permission.IDENTITY_VERIFY,
                Permission.LOGIN_CONDUCT,
                Permission.SIGNATURE_VERIFY,
                Permission.TIMESTAMP_CREATE,
                Permission.CERTIFICATE_GET,
                Permission.CA_GET,
                Permission.SERVER_GET,
            }
        ),
        Role.AUDITOR: frozenset(
            {
                Permission.AUDIT_READ,
                Permission.CERTIFICATE_GET,
                Permission.CERTIFICATE_LIST,
                Permission.SERVER_GET,
                Permission.TOKEN_GET,
                Permission.CA_GET,
            }
        ),
    }
)


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """The roles that have a permission, in the order of Role."""
    return tuple(role for role in Role if permission in ROLE_PERMISSIONS[role])
