"""`signerd check-config` and `signerd doctor` on what is right and on what is broken."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from signerd.app.init.state_file import ROLES
from signerd.core.boot import ExitCode
from signerd.pki.profile_directory import shipped_profiles
from tests.e2e.client_identity import TlsAuthority
from tests.e2e.state import configure, signerd


def _doctor(state: Path) -> tuple[int, list[str], list[str]]:
    """Exit status, the failed lines, all lines."""
    done = signerd("doctor", "--config", str(state / "signerd.toml"))
    assert "Traceback" not in done.stderr + done.stdout
    *lines, total = done.stdout.splitlines() or [""]
    failed = [line for line in lines if line.startswith("FAILED")]
    assert total == f"{len(lines)} checks, {len(failed)} failed", done.stderr
    return done.returncode, failed, lines


def test_a_good_daemon_is_found_good(state: Path) -> None:
    """A line for each check, in words; exit status 0."""
    code, failed, lines = _doctor(state)
    assert (code, failed) == (0, [])
    checks = {line[8:30].strip() for line in lines}
    assert checks >= {
        *("configuration", "policy", "profiles", "TLS", "database", "CA chain", "clock", "module"),
        *("token", "PIN", "mechanisms", "login", "root key", "issuing key", "probe key"),
        *("ocsp key", "seal key", "index key", "OCSP signer", "time stamps"),
        *("audit key", "audit signer", "checkpoint file"),
        *("test signature", "test sealing", "test keyed hash", "key export"),
    }


def _expire_tls(state: Path) -> None:
    tls = state / "tls"
    TlsAuthority(tls).issue([], expired=True).write(tls / "server.pem", tls / "server.key")


def _swap_tls_key(state: Path) -> None:
    shutil.copy(state / "tls" / "clients" / "signer.key", state / "tls" / "server.key")


def _lose_client_ca(state: Path) -> None:
    (state / "tls" / "ca.pem").unlink()


def _token_of(state: Path, word: str) -> Path:
    """The directory of the token whose label has this word."""
    found = [
        path.parent
        for path in (state / "softhsm").glob("*/token.object")
        if word.encode() in path.read_bytes()
    ]
    assert len(found) == 1
    return found[0]


def _lose_authority(state: Path) -> None:
    _token_of(state, "authority").rename(state / "gone")


def _lose_pool(state: Path) -> None:
    _token_of(state, "subscribers").rename(state / "gone")


def _break_pin(state: Path) -> None:
    (state / "secrets" / "user.pin").write_text("000000000000\n")


def _break_policy(state: Path) -> None:
    (state / "policy.toml").write_text('[[grant]]\nprincipal = "kim"\nrole = "signer"\n')


def _break_profile(state: Path) -> None:
    (state / "profiles" / "personal.toml").write_text('name = "personal"\nvalidity_days = -1\n')


def _damage_database(state: Path) -> None:
    database = state / "signerd.db"
    database.write_bytes(b"SQLite format 3\0" + b"\xff" * (database.stat().st_size - 16))


def _lose_ca(state: Path) -> None:
    with closing(sqlite3.connect(state / "signerd.db")) as store, store:
        store.execute("DELETE FROM system_keys")


def _lose_seal_key(state: Path) -> None:
    with closing(sqlite3.connect(state / "signerd.db")) as store, store:
        store.execute("DELETE FROM system_keys WHERE role = 'SEAL'")


def _confuse_secrets(state: Path) -> None:
    """Each gets the other's CKA_ID."""
    with closing(sqlite3.connect(state / "signerd.db")) as store, store:
        ids = dict(store.execute("SELECT role, cka_id FROM system_keys").fetchall())
        for role, other in (("SEAL", "INDEX"), ("INDEX", "SEAL")):
            store.execute("UPDATE system_keys SET cka_id = ? WHERE role = ?", (ids[other], role))


def _swap_ocsp_certificate(state: Path) -> None:
    with closing(sqlite3.connect(state / "signerd.db")) as store, store:
        store.execute(
            "UPDATE system_keys SET certificate = (SELECT certificate FROM system_keys "
            "WHERE role = 'ISSUING') WHERE role = 'OCSP'"
        )


def _lose_audit_key(state: Path) -> None:
    with closing(sqlite3.connect(state / "signerd.db")) as store, store:
        store.execute("DELETE FROM system_keys WHERE role = 'AUDIT'")


def _put_database_back(state: Path) -> None:
    line = '{"number": 7, "checkpoint": "", "signature": "", "fingerprints": ""}'
    (state / "checkpoints.jsonl").write_text(f"{line}\n")


def _destroy_keys(state: Path) -> None:
    for key in _token_of(state, "authority").glob("*.object"):
        if key.name != "token.object":
            key.unlink()


_DAMAGES: dict[Callable[[Path], None], tuple[str, tuple[str, ...]]] = {
    _expire_tls: ("TLS", ("server.pem expired on", "renew", "SIGHUP")),
    _swap_tls_key: ("TLS", ("server.key", "not the key of", "[tls]")),
    _lose_client_ca: ("TLS", ("ca.pem", "cannot be read", "[tls]")),
    _lose_authority: ("token", ("signerd-authority", "the CA's keys", "bring it back")),
    _lose_pool: ("token", ("no subscriber token", "[tokens]")),
    _break_pin: ("login", ("signerd-authority", "PIN", "clear-latch")),
    _break_policy: ("policy", ("policy.toml", "kim", "uri:")),
    _break_profile: ("profiles", ("personal.toml", "validity_days")),
    _damage_database: ("database", ("backup",)),
    _lose_ca: ("CA chain", ("signerd init",)),
    _destroy_keys: ("root key", ("key",)),
    _lose_seal_key: ("seal key", ("signerd init",)),
    _confuse_secrets: ("index key", ("CKA_ENCRYPT", "CKA_DECRYPT")),
    _swap_ocsp_certificate: ("OCSP signer", ("another key",)),
    _lose_audit_key: ("audit signer", ("signerd init",)),
    _put_database_back: ("checkpoint file", ("checkpoint 7", "older state")),
}


@pytest.mark.parametrize("damage", _DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_what_is_broken_is_named(damage: Callable[[Path], None], state: Path) -> None:
    """The line of the check that fails says what is wrong and what to do; exit status 1."""
    check, words = _DAMAGES[damage]
    damage(state)
    code, failed, _ = _doctor(state)
    assert code == ExitCode.CHECK_FAILED
    concerned = [line for line in failed if line[8:30].strip() == check]
    assert concerned, failed
    assert any(all(word in line for word in words) for line in concerned), concerned
    pin = (state / "secrets" / "user.pin").read_text().strip()
    assert not [line for line in failed if pin in line]


def test_a_wrong_pin_is_tried_once(state: Path) -> None:
    """Then it is latched for doctor, init and serve alike, until an operator clears it."""
    right = (state / "secrets" / "user.pin").read_text()
    _break_pin(state)
    config = str(state / "signerd.toml")
    assert _doctor(state)[0] == ExitCode.CHECK_FAILED
    latched = {path.name for path in (state / "latch").iterdir()}
    assert latched
    (state / "secrets" / "user.pin").write_text(right)
    code, failed, _ = _doctor(state)
    assert code == ExitCode.CHECK_FAILED
    assert [line for line in failed if "clear-latch" in line]
    for command in (["init", "--config", config], ["serve", "--config", config]):
        done = signerd(*command)
        assert done.returncode == ExitCode.PIN_REFUSED, done.stderr
        assert "clear-latch" in done.stderr
    cleared = signerd("clear-latch", "--config", config)
    assert cleared.returncode == 0
    assert "tried again" in cleared.stdout
    assert _doctor(state)[0] == 0
    assert signerd("clear-latch", "--config", config).stdout.strip() == "no PIN is latched"


def test_check_config_says_what_is_right(state: Path) -> None:
    """In one line, without needing token or database."""
    shutil.rmtree(state / "softhsm")
    (state / "signerd.db").unlink()
    config = state / "signerd.toml"
    done = signerd("check-config", "--config", str(config))
    assert done.returncode == 0
    names = ", ".join(sorted(Path(name).stem for name in shipped_profiles()))
    assert done.stdout == f"{config}: right; {1 + len(ROLES)} grants; profiles {names}\n"


def test_check_config_explains_every_key() -> None:
    """The sample is itself TOML with every section."""
    explained = signerd("check-config", "--explain").stdout
    for section in ("server", "tls", "tokens", "authority", "store", "policy", "log"):
        assert f"[{section}]" in explained


def _open_key(state: Path) -> None:
    (state / "tls" / "server.key").chmod(0o644)


def _several(state: Path) -> None:
    configure(state, frontz="2", fronts='"two"', max_message_bytes="1")


def _no_toml(state: Path) -> None:
    (state / "signerd.toml").write_text("[server\n")


def _no_text(state: Path) -> None:
    (state / "signerd.toml").write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_open_key, ("tls.key", "server.key", "600")),
        (_several, ("server.frontz", "server.fronts", "server.max_message_bytes")),
        (_no_toml, ("signerd.toml", "line 1")),
        (_no_text, ("signerd.toml", "UTF-8")),
        (_break_policy, ("policy.toml", "kim")),
        (_break_profile, ("personal.toml", "validity_days")),
    ],
)
def test_check_config_names_every_mistake(
    damage: Callable[[Path], None], words: tuple[str, ...], state: Path
) -> None:
    """File, key and what would be right, a line for each; CONFIG_INVALID."""
    damage(state)
    done = signerd("check-config", "--config", str(state / "signerd.toml"))
    assert done.returncode == ExitCode.CONFIG_INVALID
    assert done.stdout == ""
    assert done.stderr.startswith("signerd: ")
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_of_another_machine_is_refused(state: Path) -> None:
    """An address of another machine is named at start."""
    configure(state, listen='"192.0.2.1:7443"')
    done = signerd("serve", "--config", str(state / "signerd.toml"))
    assert done.returncode == ExitCode.ADDRESS_IN_USE
    assert "192.0.2.1:7443" in done.stderr
