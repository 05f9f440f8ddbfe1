"""Builds what signs and verifies documents."""

from signerd.app.wiring import Base
from signerd.signing.sign import CredentialCache, Sign
from signerd.signing.sign_cms import SignCms
from signerd.transport.document_signing import DocumentSigningServicer


def document_signing(
    base: Base, sign: Sign, credentials: CredentialCache
) -> DocumentSigningServicer:
    """The DocumentSigning service over its use cases."""
    return DocumentSigningServicer(
        SignCms(
            sign,
            credentials=credentials,
            certificates=base.certificates,
            chain=[base.authority.certificate],
            stamper=None,
            clock=base.clock,
        )
    )
