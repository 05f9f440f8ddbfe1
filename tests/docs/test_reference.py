"""The README's tables, names and links are those of the code."""

import re
import shlex
from typing import Final

import pytest
import typer
from google.protobuf.descriptor import FileDescriptor
from typer.main import get_command

from signerctl.cli import app as signerctl
from signerctl.exit_code import ExitCode as ClientExitCode
from signerd.app.cli import app as signerd
from signerd.config.document import render_table
from signerd.core.boot import ExitCode
from signerd.observability.event import LogEvent
from signerd.policy.permission import ROLE_PERMISSIONS, RPC_PERMISSIONS, Role
from signerd.transport.enrolment import EnrolmentServicer
from signerd.transport.error_map import STATUS_CODES
from signerd.v1 import (
    activation_pb2,
    admin_pb2,
    certificate_authority_pb2,
    document_signing_pb2,
    enrolment_pb2,
    enrolment_pb2_grpc,
    login_pb2,
    signing_pb2,
    timestamping_pb2,
)
from tests.docs.console import README, ROOT, blocks, section, table

_COMMON: Final = {"--help", "--output", "--install-completion", "--show-completion"}
_FILES: Final[tuple[FileDescriptor, ...]] = (
    activation_pb2.DESCRIPTOR,
    admin_pb2.DESCRIPTOR,
    certificate_authority_pb2.DESCRIPTOR,
    document_signing_pb2.DESCRIPTOR,
    enrolment_pb2.DESCRIPTOR,
    login_pb2.DESCRIPTOR,
    signing_pb2.DESCRIPTOR,
    timestamping_pb2.DESCRIPTOR,
)
_CODE: Final = re.compile(r"`([^`\n]+)`")


def _names(cell: str) -> list[str]:
    return _CODE.findall(cell)


def test_the_configuration_table_is_the_generated_one() -> None:
    """Every key with its default, range and meaning, as the daemon knows it."""
    assert render_table() in section("Configuration")


def _options(command: object) -> set[str]:
    found: set[str] = set()
    for parameter in getattr(command, "params", ()):
        if parameter.param_type_name == "option":
            found.add(max(parameter.opts, key=len))
    return found


def _commands(app: typer.Typer, name: str) -> dict[str, set[str]]:
    """Every command with its long options, as --help prints them."""

    def walk(command: object, path: str) -> dict[str, set[str]]:
        children = getattr(command, "commands", None)
        if children is None:
            return {path: _options(command) - _COMMON}
        found: dict[str, set[str]] = {}
        for child, it in children.items():
            found |= walk(it, f"{path} {child}")
        return found

    return walk(get_command(app), name)


@pytest.mark.parametrize("name", ["signerd", "signerctl"])
def test_every_command_is_listed_with_its_options(name: str) -> None:
    """The tables have each command of --help once, with exactly its options."""
    app = signerd if name == "signerd" else signerctl
    rows = table(section(name))
    listed = {_names(row[0])[0]: set(_names(row[2])) for row in rows}
    assert len(listed) == len(rows)
    assert listed == _commands(app, name)


def test_the_options_before_the_command_are_named() -> None:
    """What says where the daemon is, with its environment variable."""
    text = section("signerctl")
    for parameter in get_command(signerctl).params:
        option = max(parameter.opts, key=len)
        if option not in _COMMON:
            assert f"`{option}`" in text
            if isinstance(parameter.envvar, str):
                assert f"`{parameter.envvar}`" in text


def test_commands_without_the_common_output_option_are_named() -> None:
    """--output works after every command but the one that is named as an exception."""

    def walk(command: object, path: str) -> list[str]:
        children = getattr(command, "commands", None)
        if children is None:
            return [] if "--output" in _options(command) else [path]
        return [one for child, it in children.items() for one in walk(it, f"{path} {child}")]

    assert walk(get_command(signerctl), "") == [" certificate export"]
    assert "every\ncommand but `certificate export`" in section("signerctl")


@pytest.mark.parametrize(("name", "codes"), [("signerd", ExitCode), ("signerctl", ClientExitCode)])
def test_the_exit_codes_are_those_of_the_code(
    name: str, codes: type[ExitCode] | type[ClientExitCode]
) -> None:
    """Each exit code once, by number and name."""
    text = section(name).partition(f"Exit codes of `{name}`:")[2]
    assert [(int(row[0]), row[1]) for row in table(text)] == [
        (code.value, code.name) for code in codes
    ]


def test_the_unit_does_not_restart_what_a_restart_does_not_help() -> None:
    """The systemd sketch names every exit code that is a failure to start, and no crash."""
    (unit,) = (block.text for block in blocks("ini"))
    found = re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)
    assert found is not None
    crashes = {ExitCode.OK, ExitCode.CHECK_FAILED, ExitCode.SOFTWARE}
    assert {int(code) for code in found[1].split()} == set(ExitCode) - crashes


def test_the_error_table_is_the_error_map() -> None:
    """Each family once with its gRPC status."""
    listed = sorted((row[0], row[1]) for row in table(section("Errors")))
    assert listed == sorted((family.__name__, code.name) for family, code in STATUS_CODES.items())


def _sources(*folders: str) -> str:
    files = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_reason_named_is_one_the_daemon_gives() -> None:
    """Words like `REQUEST_ID_REUSED` are spelled as programs will see them."""
    text = "".join(section(title) for title in ("Operations", "API", "Errors"))
    named = {name for name in _names(text) if re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", name)}
    reasons = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', _sources("signerd", "clients")))
    assert len(named) > 15
    assert named <= reasons


def test_every_log_event_named_is_one_the_daemon_writes() -> None:
    """Alerts that are set up from the README fire."""
    kinds = "|".join({event.partition(".")[0] for event in LogEvent})
    named = re.findall(rf"`((?:{kinds})\.[a-z_]+)`", section("Watch"))
    assert len(named) >= 7
    assert set(named) <= set(LogEvent)


def test_the_calls_are_those_of_the_protos_with_their_roles() -> None:
    """Each RPC once, with the roles that may call it."""
    listed = {_names(row[0])[0]: row[1].split(", ") for row in table(section("API"))}
    services = [service for file in _FILES for service in file.services_by_name.values()]
    methods = [(service, method.name) for service in services for method in service.methods]
    assert listed == {
        f"{service.name}.{method}": [
            role.value
            for role in Role
            if RPC_PERMISSIONS[f"/{service.full_name}/{method}"] in ROLE_PERMISSIONS[role]
        ]
        for service, method in methods
        if not _is_unimplemented(service.name, method)
    }


def _is_unimplemented(service: str, method: str) -> bool:
    inherited = getattr(enrolment_pb2_grpc.EnrolmentServicer, method, None)
    return service == "Enrolment" and getattr(EnrolmentServicer, method) is inherited


def _headings() -> set[str]:
    found = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in found}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    """Links to files and headings of the repository are not broken."""
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links or name != "README.md"
    for link in links:
        if link.startswith("#"):
            assert link[1:] in _headings(), link
        else:
            assert (ROOT / link).exists(), link


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_file_named_exists(name: str) -> None:
    """Paths of the repository in code style or in shell blocks are there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    top = {path.name for path in ROOT.iterdir()} - {"state", ".venv"}
    words = {word for code in _CODE.findall(text) for word in code.split()}
    for shell in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        words |= set(shlex.split(shell, comments=True))
    paths = {word for word in words if "/" in word and word.split("/")[0] in top}
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_role_is_explained() -> None:
    """The policy section names each role."""
    for role in Role:
        assert f"`{role.value}`" in section("Policy")
