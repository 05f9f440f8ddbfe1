"""The command `signerctl`: its groups, and the options that say where the daemon is."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from signerctl import (
    activation,
    admin,
    audit_proof,
    batch,
    ca,
    certificate,
    change,
    document_signature,
    enrolment,
    evidence,
    harness,
    identity,
    inventory,
    key,
    login,
    one_time_code,
    outbox,
    pdf,
    renewal,
    replacement,
    sign_batch,
    signing,
    subscriber,
    timestamp,
)
from signerctl.exit_code import EXPLANATION, ExitCode
from signerctl.failure import be_quiet, report_defect
from signerctl.printer import OutputFormat
from signerctl.session import Connection

_EPILOG = "\b\n" + EXPLANATION

app = typer.Typer(
    name="signerctl",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(certificate.app, name="certificate")
certificate.app.command()(replacement.reissue)
certificate.app.command()(replacement.renew)
certificate.app.command()(change.suspend)
certificate.app.command()(change.resume)
certificate.app.command()(change.revoke)
certificate.app.command(name="verify-identity")(identity.verify_identity)
certificate.app.command()(inventory.expiring)
certificate.app.command(name="needs-renewal")(renewal.needs_renewal)
certificate.app.command()(inventory.inventory)
certificate.app.command()(inventory.watch)
app.add_typer(subscriber.app, name="subscriber")
subscriber.app.command(name="set-password")(evidence.set_password)
subscriber.app.command(name="register-biometric-key")(evidence.register_biometric_key)
app.add_typer(enrolment.app, name="enrolment")
app.add_typer(batch.app, name="batch")
app.add_typer(ca.app, name="ca")
app.add_typer(key.app, name="key")
app.command()(signing.sign)
app.command(name="sign-batch")(sign_batch.sign_batch)
app.command()(signing.verify)
app.add_typer(document_signature.app, name="cms")
app.add_typer(pdf.app, name="pdf")
app.add_typer(timestamp.app, name="timestamp")
app.add_typer(login.app, name="login")
app.add_typer(activation.app, name="activation")
app.add_typer(admin.server_app, name="server")
app.add_typer(admin.token_app, name="token")
app.add_typer(admin.audit_app, name="audit")
admin.audit_app.command()(audit_proof.prove)
admin.audit_app.command(name="check-proof")(audit_proof.check_proof_)
app.add_typer(outbox.app, name="outbox")
app.add_typer(harness.app, name="harness")
outbox.app.command()(one_time_code.code)
app.command()(admin.health)


@app.callback()
def connection(
    context: typer.Context,
    *,
    target: Annotated[
        str,
        typer.Option(
            envvar="SIGNERD_TARGET",
            help="Where the daemon is: host:port, or unix:/path of its local socket.",
            show_default=False,
        ),
    ] = "",
    ca_file: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            envvar="SIGNERD_CA",
            help="PEM file of the CA that the daemon's certificate is checked with.",
            show_default=False,
        ),
    ] = None,
    certificate_file: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            envvar="SIGNERD_CERTIFICATE",
            help="PEM file of your client certificate.",
            show_default=False,
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key",
            envvar="SIGNERD_KEY",
            help="PEM file of its private key.",
            show_default=False,
        ),
    ] = None,
    server_name: Annotated[
        str | None,
        typer.Option(
            envvar="SIGNERD_SERVER_NAME",
            help="Name in the daemon's certificate, if it is not the host.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds until a call is given up.")
    ] = 30.0,
    output: Annotated[
        OutputFormat, typer.Option("--output", "-o", help="table for people or json for programs.")
    ] = OutputFormat.TABLE,
) -> None:
    """Certificates and signatures with keys that never leave their token.

    signerctl asks a signerd daemon over mutual TLS, or on its own machine over the local socket.
    Say where it is with the options below or with the environment variables named there; then
    begin with `signerctl server info`.
    """
    context.obj = Connection(
        target=target,
        ca=ca_file,
        certificate=certificate_file,
        key=key_file,
        server_name=server_name,
        timeout_s=timeout,
        output=output,
    )


def main() -> None:
    """Run the command line; exits with one of the documented codes."""
    try:
        app(prog_name="signerctl")
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.exit(be_quiet())
    except Exception as error:  # noqa: BLE001 - the last resort, which reports it
        sys.exit(report_defect(error))
