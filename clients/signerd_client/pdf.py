"""PDF signatures (PAdES, ETSI EN 319 142-1) with keys that stay with the daemon.

Needs the extra `signerd[pdf]`, which brings pyHanko. The document stays here: what goes to the
daemon is the digest of the signed attributes, and for a time stamp that of the signature.
"""

import asyncio
import hashlib
import io
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from asn1crypto import algos, cms, tsp, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signerd_client.algorithm import Hash, KeyAlgorithm
from signerd_client.client import Client
from signerd_client.error import ErrorDetail, InvalidRequest
from signerd_client.pdf_verdict import PdfSignerVerification, PdfVerification
from signerd_client.revocation_info import fetch_crls, fetch_ocsp_responses
from signerd_client.signature import Problem

_FIELD: Final = "Signature"
_ED25519_DIGEST: Final = "sha512"


class PdfLevel(StrEnum):
    """Baseline levels of PAdES. B_T adds a time stamp, B_LT also what is needed to validate the
    signature when nobody answers any more: certificates, OCSP responses, CRLs."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"


class RemoteSigner(signers.Signer):  # type: ignore[misc] # pyHanko has no types
    """A pyHanko signer whose key is a credential of a daemon: give it to any API of pyHanko that
    takes a Signer. Raises SignerdError."""

    def __init__(
        self, client: Client, credential: str, *, purpose: str = "", authorisation: str = ""
    ) -> None:
        """Asks for certificate and chain. purpose, authorisation: see Client.sign."""
        key = client.get_public_key(credential)
        if key.key_algorithm is None:
            raise _refused("this client does not know the algorithm of the key", "ALGORITHM_NEWER")
        self.certificate = client.get_certificate(key.certificate)
        self.chain = [x509.Certificate.load(der) for der in client.get_ca_chain()]
        self.algorithm = key.key_algorithm
        self._client = client
        self._credential = credential
        self._purpose = purpose
        self._authorisation = authorisation
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        registry.register_multiple(self.chain)
        super().__init__(
            signing_cert=x509.Certificate.load(self.certificate.der),
            cert_registry=registry,
            signature_mechanism=_mechanism(key.key_algorithm),
            embed_roots=False,
        )

    @property
    def digest_name(self) -> str:
        """The hash of the document."""
        return _digest_name(self.algorithm)

    async def async_sign_raw(
        self,
        data: bytes,
        digest_algorithm: str,
        dry_run: bool = False,  # noqa: FBT001, FBT002 - as pyHanko calls it
    ) -> bytes:
        """See pyhanko.sign.signers.Signer; data are the signed attributes."""
        if dry_run:
            return bytes(_signature_size(self.algorithm))
        return await asyncio.to_thread(self._sign, data, digest_algorithm)

    def _sign(self, data: bytes, digest_algorithm: str) -> bytes:
        """Ed25519 signs the attributes themselves."""
        is_whole = self.algorithm is KeyAlgorithm.ED25519
        made = self._client.sign(
            self._credential,
            data=data if is_whole else None,
            digest=None if is_whole else hashlib.new(digest_algorithm, data).digest(),
            hash_algorithm=None if is_whole else Hash(digest_algorithm),
            purpose=self._purpose,
            authorisation=self._authorisation,
        )
        return made.signature


class RemoteTimeStamper(TimeStamper):  # type: ignore[misc] # pyHanko has no types
    """A pyHanko time stamper over a daemon's Timestamping service."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """See pyhanko.sign.timestamps.TimeStamper."""
        stamp = await asyncio.to_thread(self._client.create_timestamp, request=req.dump())
        return tsp.TimeStampResp.load(stamp.response)


def sign_pdf(
    client: Client,
    credential: str,
    document: bytes,
    *,
    level: PdfLevel = PdfLevel.B_T,
    field: str = "",
    reason: str = "",
    location: str = "",
    purpose: str = "",
    authorisation: str = "",
) -> bytes:
    """The document with one more signature.

    field: name of the signature field; a new one is made where there is none, named "Signature"
    and, for more of them, "Signature2". For B_LT the addresses in the certificates are asked for
    OCSP responses and CRLs. Not to be called in a running event loop: use a thread. Raises
    SignerdError; InvalidRequest (PDF_MALFORMED, PDF_VALIDATION_INFO) for what cannot be signed.
    """
    signer = RemoteSigner(client, credential, purpose=purpose, authorisation=authorisation)
    return asyncio.run(
        _sign(client, signer, document, level, field=field, reason=reason, location=location)
    )


def verify_pdf(client: Client, document: bytes) -> PdfVerification:
    """Every signature in a PDF file: the daemon judges the signer, and here is looked whether the
    file was changed since. Only signature and digest go to the daemon. Not to be called in a
    running event loop. Raises SignerdError; InvalidRequest (PDF_MALFORMED)."""
    return asyncio.run(_verify(client, document))


async def _sign(
    client: Client,
    signer: RemoteSigner,
    document: bytes,
    level: PdfLevel,
    *,
    field: str,
    reason: str,
    location: str,
) -> bytes:
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        metadata = signers.PdfSignatureMetadata(
            field_name=field or _next_field(writer),
            md_algorithm=signer.digest_name,
            subfilter=SigSeedSubFilter.PADES,
            reason=reason or None,
            location=location or None,
            **await asyncio.to_thread(_long_term, signer, level),
        )
        pdf_signer = signers.PdfSigner(
            metadata,
            signer,
            timestamper=None if level is PdfLevel.B_B else RemoteTimeStamper(client),
        )
        output: io.BytesIO = await pdf_signer.async_sign_pdf(writer)
    except signers.pdf_signer.SigningError as error:
        raise _refused(f"the document cannot be signed: {error}", "PDF_NOT_SIGNED") from error
    except (ValidationError, PathError) as error:
        raise _refused(
            f"what is needed to validate the signature later is not there: {error}",
            "PDF_VALIDATION_INFO",
        ) from error
    except PdfError as error:
        raise _refused(f"the document is not a PDF file: {error}", "PDF_MALFORMED") from error
    return output.getvalue()


def _long_term(signer: RemoteSigner, level: PdfLevel) -> dict[str, Any]:
    if level is not PdfLevel.B_LT:
        return {}
    own = x509.Certificate.load(signer.certificate.der)
    context = ValidationContext(
        trust_roots=[signer.chain[-1]],
        other_certs=signer.chain,
        crls=fetch_crls([own, *signer.chain]),
        ocsps=fetch_ocsp_responses(signer.certificate.der, signer.chain[0].dump()),
        revocation_mode="hard-fail",
    )
    return {"validation_context": context, "embed_validation_info": True}


def _next_field(writer: IncrementalPdfFileWriter) -> str:
    taken = {signature.field_name for signature in writer.prev.embedded_signatures}
    number = 1
    while (name := _FIELD if number == 1 else f"{_FIELD}{number}") in taken:
        number += 1
    return name


async def _verify(client: Client, document: bytes) -> PdfVerification:
    try:
        reader = PdfFileReader(io.BytesIO(document))
        embedded = list(reader.embedded_regular_signatures)
    except (PdfError, ValueError) as error:
        raise _refused(f"the document is not a PDF file: {error}", "PDF_MALFORMED") from error
    if not embedded:
        problem = Problem("NOT_SIGNED", "the document has no signature")
        return PdfVerification(valid=False, problems=(problem,), signers=())
    chain = [x509.Certificate.load(der) for der in await asyncio.to_thread(client.get_ca_chain)]
    try:
        found = tuple([await _signature(client, one, chain) for one in embedded])
    except (PdfError, ValueError) as error:
        text = f"a signature in the document cannot be read: {error}"
        raise _refused(text, "PDF_MALFORMED") from error
    return PdfVerification(all(one.valid for one in found), (), found)


async def _signature(
    client: Client, embedded: Any, chain: Sequence[x509.Certificate]
) -> PdfSignerVerification:
    """pyHanko says what became of the file, the daemon what the signature is worth."""
    context = ValidationContext(trust_roots=[chain[-1]], other_certs=chain)
    status = await async_validate_pdf_signature(embedded, context)
    digest_name = embedded.md_algorithm
    verdict = await asyncio.to_thread(
        client.verify_cms,
        cms.ContentInfo.load(embedded.pkcs7_content).dump(),
        digest=embedded.compute_digest(),
        hash_algorithm=Hash(digest_name) if digest_name in list(Hash) else None,
    )
    (signer,) = verdict.signers
    problems = [*signer.problems, *_file_problems(status)]
    return PdfSignerVerification(
        valid=not problems,
        problems=tuple(problems),
        field=embedded.field_name,
        covers_file=status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        cms=signer,
    )


def _file_problems(status: Any) -> list[Problem]:
    problems = []
    if status.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        problems.append(
            Problem("CONTENT_CHANGED", "the signature does not cover all that was there with it")
        )
    level = status.modification_level
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE and (
        level is None or level is ModificationLevel.OTHER or not status.docmdp_ok
    ):
        problems.append(
            Problem("CONTENT_CHANGED", "the document was changed after it had been signed")
        )
    return problems


def _mechanism(algorithm: KeyAlgorithm) -> algos.SignedDigestAlgorithm:
    if algorithm is KeyAlgorithm.ED25519:
        return algos.SignedDigestAlgorithm({"algorithm": "ed25519"})
    name = _digest_name(algorithm)
    if algorithm.startswith("EC_"):
        return algos.SignedDigestAlgorithm({"algorithm": f"{name}_ecdsa"})
    if "PSS" not in algorithm:
        return algos.SignedDigestAlgorithm({"algorithm": f"{name}_rsa"})
    hash_ = algos.DigestAlgorithm({"algorithm": name})
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": hash_,
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": hash_},
            "salt_length": hashlib.new(name).digest_size,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _digest_name(algorithm: KeyAlgorithm) -> str:
    """The last word of the algorithm's name is its hash."""
    if algorithm is KeyAlgorithm.ED25519:
        return _ED25519_DIGEST
    return algorithm.rpartition("_")[2].lower()


def _signature_size(algorithm: KeyAlgorithm) -> int:
    """Bytes to keep free: RSA as long as the modulus, ECDSA two numbers and their frame."""
    if algorithm.startswith("RSA_"):
        return int(algorithm.split("_")[1]) // 8
    return 112


def _refused(message: str, reason: str) -> InvalidRequest:
    return InvalidRequest(
        ErrorDetail(message=message, reason=reason, advice=InvalidRequest.advice_of_family)
    )
