"""The `signerd` command."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from signerd.app.init.state_file import CLIENT_URI, Addresses
from signerd.app.init.tls_identity import TlsDirectory, TlsIssuer
from signerd.app.layout import latch_directory
from signerd.app.serve import serve as serve_daemon
from signerd.config.document import render_sample
from signerd.config.load import load_settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import SystemClock, parse_duration
from signerd.core.core_dump import forbid_core_dumps
from signerd.core.error import InvalidRequest
from signerd.core.value import parse_slug
from signerd.pki.profile_directory import load_profiles
from signerd.pki.profile_lint import lint_profile
from signerd.policy.load import load_policy
from signerd.tokens.pin_latch import clear_latches
from signerd.tokens.resolve import token_specs

app = typer.Typer(
    name="signerd",
    help="Signing daemon: certificates and signatures with keys that never leave their token.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
audit = typer.Typer(help="The audit chain.", no_args_is_help=True)
app.add_typer(audit, name="audit")
profile = typer.Typer(help="Certificate profiles.", no_args_is_help=True)
app.add_typer(profile, name="profile")

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="SIGNERD_CONFIG",
        help="Configuration file.",
        show_default=False,
    ),
]


@app.command()
def init(
    state: Annotated[
        Path | None,
        typer.Option(help="Make this state directory, with a SoftHSM of its own (for tests)."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Use this configuration, such as one for an HSM."),
    ] = None,
    listen: Annotated[
        str, typer.Option(help="host:port of the API; only for a new state directory.")
    ] = "127.0.0.1:7443",
    publish: Annotated[
        str,
        typer.Option(help="host:port of HTTP for relying parties; only for a new state directory."),
    ] = "127.0.0.1:7480",
) -> None:
    """Make tokens, database, CA hierarchy and TLS identities.

    What is there already stays as it is: running it twice changes nothing.
    """
    if (state is None) == (config is None):
        raise typer.BadParameter("give either --state or --config")
    from signerd.app.init import run  # noqa: PLC0415 - loads SQL and PKCS#11 only where needed

    if state is not None:
        run.init_embedded(state, Addresses(listen, publish), SystemClock(), typer.echo)
    elif config is not None:
        run.init_configured(config, SystemClock(), typer.echo)


@app.command()
def serve(
    config: Config,
    clock_offset: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Run with a clock that is so far ahead, such as 200d or 36h; for tests, where "
            "[test] allow_clock_offset is true.",
        ),
    ] = "0s",
) -> None:
    """Run the daemon until SIGTERM; SIGHUP reads policy, profiles and TLS files again."""
    raise typer.Exit(serve_daemon(config, _duration(clock_offset)))


@app.command("check-config")
def check_config(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", envvar="SIGNERD_CONFIG", help="Configuration file."),
    ] = None,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print every key with default and meaning instead.")
    ] = False,
) -> None:
    """Say whether configuration, policy and profiles are right, without touching token or store."""
    if explain:
        typer.echo(render_sample())
        return
    if config is None:
        raise typer.BadParameter("give --config")
    settings = load_settings(config)
    token_specs(settings.tokens)
    from signerd.app import carrier, identity  # noqa: PLC0415 - load HTTP, SMTP only where needed

    identity.check_identity(settings)
    carrier.read_templates(settings)
    carrier.build_carriers(settings)
    grants = len(load_policy(settings.policy.file).grants)
    profiles = sorted(load_profiles(settings.policy.profiles, publisher_url=settings.publisher.url))
    typer.echo(f"{config}: right; {grants} grants; profiles {', '.join(profiles)}")


@app.command()
def doctor(config: Config) -> None:
    """Check module, tokens, keys, database, CA and clock, one line each, and say what to mend.

    Exit status 1 when a check failed. A PIN whose last try is left, or that was refused before,
    is not tried.
    """
    from signerd.app.doctor.run import examine  # noqa: PLC0415 - loads PKCS#11 only where needed

    if not examine(config, SystemClock(), typer.echo):
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--clock-offset") from None


@audit.command("verify")
def audit_verify(
    config: Config,
    ca: Annotated[
        Path | None,
        typer.Option(
            help="PEM file with the root CA, from elsewhere than this machine; without it the "
            "database's own is believed.",
            show_default=False,
        ),
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint file to compare with, instead of the configured one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Verify every hash chain against its checkpoints and the checkpoint file.

    Exit status 1 names the first bad record of each chain, and what is wrong with checkpoints.
    """
    from signerd.app.audit import Trusted, verify_trail  # noqa: PLC0415 - loads SQL where needed

    if not verify_trail(config, Trusted(ca, checkpoint_file), SystemClock(), typer.echo):
        raise typer.Exit(ExitCode.CHECK_FAILED)


@profile.command("lint")
def profile_lint(
    files: Annotated[list[Path], typer.Argument(help="Profile files (*.toml).", metavar="FILE...")],
) -> None:
    """Make a certificate under each profile that nobody gets, and say what is wrong with it.

    One line a finding; exit status 1 when there is one.
    """
    now = SystemClock().now()
    is_clean = True
    for file in files:
        findings = lint_profile(file, now)
        is_clean = is_clean and not findings
        for line in findings or ("right",):
            typer.echo(f"{file}: {line}")
    if not is_clean:
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command("add-client")
def add_client(
    name: Annotated[str, typer.Argument(help="Name of the application, such as transfer-app.")],
    config: Config,
) -> None:
    """Make a TLS identity for a client, signed by the TLS CA that init made.

    Prints the principal to name in a grant of the policy file. With TLS identities of your own
    infrastructure there is no need for this.
    """
    tls = TlsDirectory(load_settings(config).tls.client_ca.parent)
    uri = CLIENT_URI + parse_name(name)
    if not TlsIssuer(tls, SystemClock()).make_client(name, uri):
        raise typer.BadParameter(f"there is a client {name} already")
    certificate, key = tls.client(name)
    typer.echo(f"certificate {certificate}\nkey         {key}\nprincipal   uri:{uri}")


def parse_name(name: str) -> str:
    """A name that is safe in a path and a URI. Raises typer.BadParameter."""
    try:
        return parse_slug(name, field="name")
    except InvalidRequest as error:
        raise typer.BadParameter(error.message) from None


@app.command("clear-latch")
def clear_latch(config: Config) -> None:
    """Allow a refused PIN to be tried again, once its source has been put right."""
    directory = latch_directory(load_settings(config).server.state_directory)
    cleared = clear_latches(directory)
    for serial in cleared:
        typer.echo(f"token {serial}: the PIN will be tried again")
    if not cleared:
        typer.echo("no PIN is latched")


def main() -> None:
    """Run a command; a failure to start is one line and its exit code."""
    forbid_core_dumps()
    try:
        app()
    except BootError as error:
        sys.stderr.write(f"signerd: {error.message}\n")
        sys.exit(error.code)
