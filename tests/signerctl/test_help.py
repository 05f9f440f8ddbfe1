"""Help that a newcomer understands, and shell completion."""

import subprocess

import pytest

from signerctl.cli import app
from signerctl.exit_code import ExitCode
from tests.client.signerctl_process import COMMAND, COMMANDS, environment


def _run(*arguments: str, **more: str) -> str:
    done = subprocess.run(
        (*COMMAND, *arguments),
        capture_output=True,
        text=True,
        env=environment(**more),
        check=True,
    )
    return done.stdout


def test_the_overview_names_every_group_and_every_exit_code() -> None:
    """`signerctl --help` alone is enough to find a command and to script its result."""
    text = _run("--help")
    for command in COMMANDS.values():
        assert f"\n  {command[0]} " in text
    for code in ExitCode:
        assert f"\n    {code.value} " in text


def _commands() -> list[tuple[str, ...]]:
    commands: list[tuple[str, ...]] = [("sign",), ("sign-batch",), ("verify",), ("health",)]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            name = command.name or command.callback.__name__
            commands.append((str(group.name), name))
    return commands


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_each_command_shows_an_example_of_itself(command: tuple[str, ...]) -> None:
    """Help says what the command does and gives a line to copy."""
    text = _run(*command, "--help")
    assert "Example" in text
    assert f"  signerctl {' '.join(command)}" in text


def test_every_listed_command_is_known_to_this_test() -> None:
    """All commands of the API are among those whose help is checked."""
    assert {
        command[:2]
        for command in COMMANDS.values()
        if command[0] not in {"sign", "sign-batch", "verify"}
    } <= set(_commands())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell: str) -> None:
    """The completion script can be had for each shell, and completes a command's name."""
    assert "signerctl" in _run(
        "--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )


def test_completion_knows_the_commands() -> None:
    """What the bash script asks for is answered with the commands of a group."""
    text = _run(
        _SIGNERCTL_COMPLETE="complete_bash",
        COMP_WORDS="signerctl certificate re",
        COMP_CWORD="2",
    )
    assert text.split() == ["reissue", "renew", "resume", "revoke"]
