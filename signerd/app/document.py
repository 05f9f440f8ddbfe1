"""Builds what signs and verifies documents."""

from signerd.app.timestamp import Stamping
from signerd.app.wiring import Base
from signerd.core.lifecycle import SystemKeyRole
from signerd.signing.sign import CredentialCache, Sign
from signerd.signing.sign_cms import SignCms
from signerd.signing.standing import StandingJudge
from signerd.signing.verify_cms import VerifyCms
from signerd.signing.verify_timestamp import VerifyTimestamp
from signerd.transport.document_signing import DocumentSigningServicer
from signerd.transport.timestamping import TimestampingServicer


def document_signing(
    base: Base,
    sign: Sign,
    credentials: CredentialCache,
    stamping: Stamping | None,
    judge: StandingJudge,
) -> DocumentSigningServicer:
    """The DocumentSigning service over its use cases."""
    return DocumentSigningServicer(
        SignCms(
            sign,
            credentials=credentials,
            certificates=base.certificates,
            chain=[base.authority.certificate],
            stamper=None if stamping is None else stamping.create,
            clock=base.clock,
        ),
        VerifyCms(judge, _verify_timestamp(base, judge), base.clock),
    )


def timestamping(
    base: Base, stamping: Stamping | None, judge: StandingJudge
) -> TimestampingServicer:
    """The Timestamping service over its use cases."""
    return TimestampingServicer(
        None if stamping is None else stamping.create, _verify_timestamp(base, judge)
    )


def _verify_timestamp(base: Base, judge: StandingJudge) -> VerifyTimestamp:
    own = base.system_keys.get(SystemKeyRole.TIMESTAMP)
    return VerifyTimestamp(judge, b"" if own is None else own.spki, base.clock)
