"""signerctl certificate reissue, renew: a new certificate in place of an old one."""

from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import read
from signerctl.option import AuthorisationFrom, CertificateName, Output, RequestId, ValidateOnly
from signerctl.secret_source import read_secret
from signerctl.session import session
from signerctl.view import certificate_lines
from signerd_client.call import new_request_id


def reissue(
    context: typer.Context,
    *,
    certificate: CertificateName,
    request_id: RequestId = None,
    validate_only: ValidateOnly = False,
    output: Output = None,
) -> None:
    """Replace a certificate that has not expired: new key, same holder, same expiry.

    The old certificate is revoked in the same instant and its key never signs again; one that was
    revoked already can be replaced too. Prints the new certificate; with --output json, both. With
    --validate-only it prints the certificate that would be replaced.

    \b
    Example:
      signerctl certificate reissue 5f3a9c
    """
    with session(context, output) as now:
        if validate_only:
            checked = now.client.reissue_certificate(
                certificate, request_id=request_id, validate_only=True
            )
            now.printer.one(checked, certificate_lines)
            return
        reissued = now.client.reissue_certificate(certificate, request_id=request_id)
        now.printer.one(reissued, lambda both: certificate_lines(both.certificate))


def renew(
    context: typer.Context,
    *,
    certificate: CertificateName,
    proof: Annotated[
        Path | None,
        typer.Option(
            help="File with the proof, a signature made elsewhere; needs --request-id.",
            show_default=False,
        ),
    ] = None,
    request_id: RequestId = None,
    validate_only: ValidateOnly = False,
    authorisation: AuthorisationFrom = "",
    output: Output = None,
) -> None:
    """Replace a certificate in its last days: new key, and an expiry one period later.

    The certificate's own key proves that its holder wants it. The proof is made here, by whoever
    may sign with that key; or it is given with --proof: the key's signature over
    "signerd.v1 renewal of certificates/SERIAL, request REQUEST_ID", without a line end. The old
    certificate is revoked in the same instant and its key never signs again. Prints the new
    certificate; with --output json, both. With --validate-only it prints the certificate that
    would be replaced.

    \b
    Example:
      signerctl certificate renew 5f3a9c
    """
    with session(context, output) as now:
        if proof is not None and request_id is None:
            raise ValueError("a proof is for one request: give its --request-id")
        request_id = request_id or new_request_id()
        signature = (
            now.client.prove_renewal(
                certificate, request_id, authorisation=read_secret(authorisation)
            )
            if proof is None
            else read(proof)
        )
        if validate_only:
            checked = now.client.renew_certificate(
                certificate, signature, request_id=request_id, validate_only=True
            )
            now.printer.one(checked, certificate_lines)
            return
        renewed = now.client.renew_certificate(certificate, signature, request_id=request_id)
        now.printer.one(renewed, lambda both: certificate_lines(both.certificate))
