"""What the parts of the CertificateAuthority service have in common."""

from dataclasses import dataclass

from signerd.ca.authority import Authority
from signerd.ca.issue import IssueCertificate
from signerd.ca.query import CertificateQuery
from signerd.ca.reissue import ReissueCertificate
from signerd.ca.renew import RenewCertificate
from signerd.ca.resume import ResumeCertificate
from signerd.ca.revoke import RevokeCertificate
from signerd.ca.suspend import SuspendCertificate
from signerd.ca.verify_identity import VerifyIdentity
from signerd.ca.watch import CertificateWatch
from signerd.core.clock import Clock
from signerd.core.record import CertificateRecord
from signerd.transport import conversion as convert
from signerd.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class AuthorityUseCases:
    """What the service calls."""

    issue: IssueCertificate
    reissue: ReissueCertificate
    renew: RenewCertificate
    suspend: SuspendCertificate
    resume: ResumeCertificate
    revoke: RevokeCertificate
    query: CertificateQuery
    watch: CertificateWatch
    verify_identity: VerifyIdentity
    authority: Authority
    clock: Clock


class AuthorityCalls:
    """Part of the service: converts, calls the use case, converts back."""

    def __init__(self, use_cases: AuthorityUseCases) -> None:
        self._use = use_cases

    def _message(self, record: CertificateRecord) -> types_pb2.Certificate:
        return convert.certificate_to(record, self._use.clock.now())
