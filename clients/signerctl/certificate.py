"""signerctl certificate: issue, get, list, export; other modules add further commands."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import STREAM, CertificateFormat, check_sink, read, write
from signerctl.option import (
    ActivationOption,
    CertificateName,
    ExpiresBefore,
    ExpiresFrom,
    Format,
    KeyGroup,
    Limit,
    Out,
    Output,
    RequestId,
    ValidateOnly,
    utc,
)
from signerctl.secret_source import IdentityNumberFrom, read_secret
from signerctl.session import session
from signerctl.view import certificate_columns, certificate_lines
from signerd_client import ActivationMode, CertificateState, KeyAlgorithm
from signerd_client.certificate import pem_encode

app = typer.Typer(
    help="Issue, replace, suspend, revoke, show and export certificates.", no_args_is_help=True
)


@app.command()
def issue(
    context: typer.Context,
    *,
    subscriber: Annotated[str, typer.Option(help="Whose it is: your own customer number.")],
    profile: Annotated[str, typer.Option(help="Profile; `signerctl server info` lists them.")],
    name: Annotated[str, typer.Option(help="Common name, such as 홍길동.")],
    algorithm: Annotated[
        KeyAlgorithm | None,
        typer.Option(
            metavar="ALGORITHM",
            help=f"Make a key on the token, one of {', '.join(KeyAlgorithm)}.",
            show_default=False,
        ),
    ] = None,
    csr: Annotated[
        Path | None,
        typer.Option(
            help="Certify the key of this PKCS#10 request (PEM or DER; '-' is standard input).",
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(help="Organisational unit; may be repeated.", show_default=False),
    ] = None,
    email: Annotated[str, typer.Option(help="E-mail address.", show_default=False)] = "",
    branch: Annotated[
        str, typer.Option(help="Number of the bank branch, 3 digits.", show_default=False)
    ] = "",
    dns: Annotated[
        list[str] | None, typer.Option(help="DNS name; may be repeated.", show_default=False)
    ] = None,
    identity_number_from: IdentityNumberFrom = "",
    key_group: KeyGroup = "",
    activation: ActivationOption = ActivationMode.NONE,
    request_id: RequestId = None,
    validate_only: ValidateOnly = False,
    output: Output = None,
) -> None:
    """Issue a certificate to a subscriber.

    Either makes a key on the token (--algorithm), which never leaves it, or certifies the key of
    a certificate request (--csr). Prints the certificate's name, its credential to sign with,
    and its validity.

    \b
    Example:
      signerctl certificate issue --subscriber hong-gildong --profile personal \\
        --name 홍길동 --algorithm RSA_2048_PKCS1_SHA256
    """
    with session(context, output) as now:
        certificate = now.client.issue_certificate(
            subscriber,
            profile,
            name,
            key_algorithm=algorithm,
            csr=read(csr) if csr is not None else None,
            organizational_units=unit or (),
            email=email,
            branch=branch,
            dns_names=dns or (),
            identity_number=read_secret(identity_number_from),
            key_group=key_group,
            activation=activation,
            request_id=request_id,
            validate_only=validate_only,
        )
        if certificate is None:
            now.printer.remark("The request is good; nothing was issued.")
        else:
            now.printer.one(certificate, certificate_lines)


@app.command()
def show(context: typer.Context, certificate: CertificateName, output: Output = None) -> None:
    """Show one certificate.

    Prints state, holder, validity, credential and fingerprint; with --output json also the
    certificate itself (der, base64).

    \b
    Example:
      signerctl certificate show 5f3a9c
    """
    with session(context, output) as now:
        now.printer.one(now.client.get_certificate(certificate), certificate_lines)


@app.command(name="list")
def list_(
    context: typer.Context,
    *,
    subscriber: Annotated[
        str, typer.Option(help="Only this subscriber's.", show_default=False)
    ] = "",
    state: Annotated[
        CertificateState | None, typer.Option(help="Only in this state.", show_default=False)
    ] = None,
    expires_from: ExpiresFrom = None,
    expires_before: ExpiresBefore = None,
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """List certificates, newest first.

    Options combine with "and". Prints a table, or with --output json one document a line.

    \b
    Example, what expires in March:
      signerctl certificate list --state ACTIVE \\
        --expires-from 2027-03-01 --expires-before 2027-04-01
    """
    with session(context, output) as now:
        certificates = now.client.list_certificates(
            subscriber=subscriber,
            state=state,
            expire_time_from=utc(expires_from),
            expire_time_before=utc(expires_before),
        )
        now.printer.many(islice(certificates, limit or None), certificate_columns)


@app.command()
def export(
    context: typer.Context,
    *,
    certificate: CertificateName,
    out: Out = STREAM,
    format_: Format = CertificateFormat.PEM,
    chain: Annotated[
        bool, typer.Option("--chain", help="Append the CA certificates (PEM only).")
    ] = False,
) -> None:
    """Write a certificate to a file, as PEM or DER.

    There is no export of private keys: they stay on the token.

    \b
    Example:
      signerctl certificate export 5f3a9c --chain --out hong.pem
    """
    with session(context, None) as now:
        is_text = format_ is CertificateFormat.PEM
        if chain and not is_text:
            raise ValueError("a chain needs the format pem")
        check_sink(out, is_text=is_text)
        found = now.client.get_certificate(certificate)
        data = found.pem.encode() if is_text else found.der
        if chain:
            data += "".join(
                pem_encode("CERTIFICATE", der) for der in now.client.get_ca_chain()
            ).encode()
        write(out, data, is_text=is_text)
