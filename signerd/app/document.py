"""Builds what signs and verifies documents."""

from signerd.app.timestamp import Stamping
from signerd.app.wiring import Base
from signerd.signing.sign import CredentialCache, Sign
from signerd.signing.sign_cms import SignCms
from signerd.transport.document_signing import DocumentSigningServicer
from signerd.transport.timestamping import TimestampingServicer


def document_signing(
    base: Base, sign: Sign, credentials: CredentialCache, stamping: Stamping | None
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
        )
    )


def timestamping(stamping: Stamping | None) -> TimestampingServicer:
    """The Timestamping service over its use cases."""
    return TimestampingServicer(None if stamping is None else stamping.create)
