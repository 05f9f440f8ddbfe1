"""`signerd init`: once, twice, and interrupted."""

import hashlib
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from signerd.core.boot import ExitCode
from tests.e2e.state import begin, free_addresses, short_directory, signerd
from tests.e2e.waiting import wait_until

_UNCOMPARED = ("signerd.db", "token.object", "token.lock", "generation")
_KEYS = 8  # root, issuing CA, OCSP, time stamps, audit, probe, seal, index
_ROOT = Path(__file__).parents[2]


def _files(state: Path) -> dict[str, str]:
    """The hash of every file but the database's own, whose rows are compared instead, and those
    in which SoftHSM notes log-ins and changes; each key is a file of its own."""
    return {
        str(path.relative_to(state)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(state.rglob("*"))
        if path.is_file() and not path.name.startswith(_UNCOMPARED)
    }


def _rows(state: Path) -> list[str]:
    with closing(sqlite3.connect(state / "signerd.db")) as store:
        return list(store.iterdump())


def _keys(state: Path) -> set[str]:
    """The CKA_IDs of the system keys in the store."""
    with closing(sqlite3.connect(state / "signerd.db")) as store:
        found = store.execute("SELECT hex(cka_id) FROM system_keys").fetchall()
    return {str(row[0]).lower() for row in found}


def test_the_second_time_changes_nothing(state: Path) -> None:
    """Neither with --state nor with --config: same files, same rows, same keys."""
    files, rows = _files(state), _rows(state)
    assert len(_keys(state)) == _KEYS
    for arguments in (["--state", str(state)], ["--config", str(state / "signerd.toml")]):
        again = signerd("init", *arguments)
        assert again.returncode == 0, again.stderr
        assert again.stdout.startswith("ready: signerd serve --config ")
        assert len(again.stdout.splitlines()) == 1
        assert _files(state) == files
        assert _rows(state) == rows


def test_what_was_lost_is_made_again_and_the_rest_kept(state: Path) -> None:
    """A profile and a TLS identity come back; policy and configuration stay as edited."""
    files, rows = _files(state), _rows(state)
    (state / "profiles" / "personal.toml").unlink()
    (state / "tls" / "clients" / "signer.pem").unlink()
    with (state / "policy.toml").open("a") as policy:
        policy.write("# edited\n")
    edited = _files(state)["policy.toml"]
    again = signerd("init", "--state", str(state))
    assert again.returncode == 0, again.stderr
    assert "personal.toml" in again.stdout
    assert "client signer" in again.stdout
    after = _files(state)
    changed = {name for name in files if after[name] != files[name]}
    assert changed == {"policy.toml", "tls/clients/signer.pem", "tls/clients/signer.key"}
    assert after["policy.toml"] == edited
    assert _rows(state) == rows


def test_keys_that_are_gone_are_not_replaced(state: Path) -> None:
    """With the CA's token gone, no empty one takes its place; with the database gone, the token's
    keys are not taken over or destroyed. Put back, all is good."""
    tokens, kept = state / "softhsm", state / "kept"
    tokens.rename(kept)
    tokens.mkdir(mode=0o700)
    for _ in range(2):
        done = signerd("init", "--state", str(state))
        assert done.returncode == ExitCode.TOKEN_MISSING
        assert "signerd-authority" in done.stderr
        assert "restore" in done.stderr
        assert list(tokens.iterdir()) == []
    shutil.rmtree(tokens)
    kept.rename(tokens)

    store = {path: path.read_bytes() for path in state.glob("signerd.db*")}
    for path in store:
        path.unlink()
    before = _files(state)
    done = signerd("init", "--state", str(state))
    assert done.returncode == ExitCode.TOKEN_MISSING
    assert f"{_KEYS} keys" in done.stderr
    assert "restore the database" in done.stderr
    assert _files(state) == before
    for path in state.glob("signerd.db*"):
        path.unlink()
    for path, content in store.items():
        path.write_bytes(content)
    assert signerd("init", "--state", str(state)).returncode == 0
    assert signerd("doctor", "--config", str(state / "signerd.toml")).returncode == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_an_interrupted_init_is_completed_by_the_next(seed: int) -> None:
    """SIGKILL again and again, at random moments and between key generation and store: the next
    run completes, with exactly the keys that the store knows and a doctor who finds nothing."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    with short_directory() as parent:
        state = parent / "s"
        arguments = ("init", "--state", str(state), *free_addresses())
        for _ in range(4):
            process = begin(*arguments)
            time.sleep(chance.uniform(0.3, 2.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
        if not (state / "signerd.db").exists() or not _has_keys(state):
            # The marker lists the keys in the making, and goes when they are in the store.
            process = begin(*arguments)
            wait_until(
                lambda: process.poll() is not None or (state / "init.unfinished").exists(),
                "keys are in the making",
            )
            time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = signerd(*arguments)
        assert done.returncode == 0, done.stderr
        assert not (state / "init.unfinished").exists()
        examined = signerd("doctor", "--config", str(state / "signerd.toml"))
        assert examined.returncode == 0, examined.stdout
        assert len(_keys(state)) == _KEYS
        assert _keys_on_token(state) == sorted(_keys(state))
        assert signerd("audit", "verify", "--config", str(state / "signerd.toml")).returncode == 0


def _has_keys(state: Path) -> bool:
    try:
        return bool(_keys(state))
    except sqlite3.OperationalError:
        return False


def _keys_on_token(state: Path) -> list[str]:
    """The CKA_IDs on the authority token, each as often as it is there."""
    program = [sys.executable, "-m", "tests.e2e.token_keys", str(state / "signerd.toml")]
    listed = subprocess.run(program, cwd=_ROOT, capture_output=True, check=True, timeout=60)
    return sorted(json.loads(listed.stdout))
