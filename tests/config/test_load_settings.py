"""Loading the configuration: what it becomes and how mistakes are told."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from signerd.config.load import load_settings
from signerd.config.pkcs11_uri import parse_pkcs11_uri
from signerd.config.secret_source import read_secret
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError, ExitCode

WriteConfig = Callable[..., Path]


def _problems(path: Path) -> list[str]:
    with pytest.raises(BootError) as caught:
        load_settings(path)
    assert caught.value.code is ExitCode.CONFIG_INVALID
    prefix = f"{path}: "
    lines = caught.value.message.splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_a_minimal_file_is_enough(write_config: WriteConfig) -> None:
    """Everything but module, tokens and CA names has a default."""
    settings = load_settings(write_config())

    assert settings.server.listen == "127.0.0.1:7443"
    assert settings.authority.organization == "한국 은행"
    assert settings.authority.algorithm is KeyAlgorithm.RSA_2048_PKCS1_SHA256


def test_relative_paths_belong_to_the_directory_of_the_file(
    write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path is absolute, wherever the daemon is started."""
    path = write_config(
        ("[tokens]", '[server]\nstate_directory = "state"\n[tokens]'),
        more='[test]\nfault_directory = "faults"\n',
    )
    monkeypatch.chdir("/")

    settings = load_settings(Path(os.path.relpath(path)))

    assert settings.server.state_directory == tmp_path / "state"
    assert settings.tls.key == tmp_path / "tls/server.key"
    assert settings.tls.certificate == tmp_path / "tls/server.pem"
    assert settings.tls.client_ca == tmp_path / "tls/ca.pem"
    assert settings.policy.file == tmp_path / "policy.toml"
    assert settings.policy.profiles == tmp_path / "profiles"
    assert settings.test.fault_directory == tmp_path / "faults"
    assert settings.store.url == f"sqlite:///{tmp_path}/state/signerd.db"
    assert settings.tokens.module == Path("/usr/lib/softhsm/libsofthsm2.so")


def test_pin_sources_become_absolute(write_config: WriteConfig, tmp_path: Path) -> None:
    """The URI of the settings leads to the PIN without knowing the file's directory."""
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text("1234\n")

    settings = load_settings(
        write_config(("[authority]", 'grow = true\nso_pin_source = "so-pin"\n[authority]'))
    )

    source = parse_pkcs11_uri(settings.tokens.authority.uri).pin_source
    assert source is not None
    assert read_secret(source).reveal() == "1234"
    assert settings.tokens.subscribers.so_pin_source == f"file:{tmp_path}/so-pin"
    assert parse_pkcs11_uri(settings.tokens.subscribers.uri).pin_source == "env:POOL_PIN"


def test_only_marked_environment_values_are_paths(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    """A leading ./ is replaced by the file's directory, anything else is left alone."""
    path = write_config(
        more='[tokens.environment]\nSOFTHSM2_CONF = "./softhsm2.conf"\nLEVEL = "a/./b"\n'
    )

    assert load_settings(path).tokens.environment == {
        "SOFTHSM2_CONF": f"{tmp_path}/softhsm2.conf",
        "LEVEL": "a/./b",
    }


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("sqlite+pysqlite:///x.db", "sqlite+pysqlite:///{base}/x.db"),
        ("postgresql+psycopg://db/signerd", "postgresql+psycopg://db/signerd"),
    ],
)
def test_only_relative_sqlite_files_move(
    write_config: WriteConfig, tmp_path: Path, url: str, resolved: str
) -> None:
    """The state directory is put before a relative SQLite path and nothing else."""
    settings = load_settings(write_config(more=f'[store]\nurl = "{url}"\n'))

    assert settings.store.url == resolved.format(base=tmp_path)


def test_all_mistakes_are_told_at_once(write_config: WriteConfig) -> None:
    """One error lists every problem: unknown, missing, out of range, of the wrong type."""
    path = write_config(
        ("[tokens]", "[tokens]\nhost = 2\nhosts = 0\n"),
        ('root_common_name = "Root"\n', ""),
        more='[server]\nfronts = "2"\nmodule = "x"\n[tsl]\nkey = "k"\n[log]\nlevel = "loud"\n',
    )

    assert sorted(_problems(path)) == sorted(
        [
            "unknown key tokens.host; did you mean tokens.hosts?",
            "tokens.hosts = 0: use a whole number from 1 to 64 (token host processes)",
            "authority.root_common_name is missing: CN of the root CA",
            "server.fronts = '2': use a whole number from 1 to 64 (front processes (gRPC servers))",
            "unknown key server.module; did you mean tokens.module?",
            "unknown key tsl; did you mean tls?",
            "log.level = 'loud': use one of debug, info, warning, error (least severity written)",
        ]
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[tokens]", "nonsense = 1\n[tokens]", "unknown key nonsense; take it out"),
        ("[tokens]", "[server]\nfronts = true\n[tokens]", "server.fronts = true: use a whole"),
        ("[tokens]", "server = 1\n[tokens]", "server is a table; write [server]"),
        (
            "[tokens]",
            '[server]\nlisten = "7443"\n[tokens]',
            "server.listen = '7443': use host:port",
        ),
        ("[tokens]", '[server]\nlisten = "::1:74"\n[tokens]', "server.listen = '::1:74': put an"),
        ("[tokens]", "[tokens]\ncall_limit_s = 0\n", "tokens.call_limit_s = 0: use a number above"),
        ("[authority]", '[authority]\nalgorithm = "MD5"\n', "authority.algorithm = 'MD5': use one"),
        ("[authority]", '[authority]\ncountry = "Korea"\n', "authority.country = 'Korea': use a"),
        ("[tokens]", '[store]\nurl = "x.db"\n[tokens]', "store.url: use a SQLAlchemy URL"),
        ("[tokens]", '[store]\nurl = "sqlite://"\n[tokens]', "store.url: the processes share"),
        ("?pin-source=file:pin", "", "tokens.authority.uri: say where the PIN is"),
        ("pin-source=file:pin", "pin-value=1234", "tokens.authority.uri: the attribute pin-value"),
        ("pin-source=file:pin", "pin-source=vault:x", "tokens.authority.uri: vault: is not a"),
    ],
)
def test_a_mistake_names_key_and_remedy(
    write_config: WriteConfig, old: str, new: str, expected: str
) -> None:
    """The line begins with the key at fault and says what to write instead."""
    (problem,) = _problems(write_config((old, new)))

    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[authority]", "grow = true\n[authority]", "tokens.subscribers.so_pin_source is missing"),
        ("[authority]", "[authority]\nissuing_years = 30\n", "authority.issuing_years = 30: the"),
        ("token=pool", "token=c", "tokens.subscribers.uri: the prefix 'c' also fits"),
        ("token=pool", "token=pool;serial=1", "tokens.subscribers.uri: a serial names one token"),
    ],
)
def test_contradictions_are_told(
    write_config: WriteConfig, old: str, new: str, expected: str
) -> None:
    """Keys that are right one by one and wrong together are refused."""
    (problem,) = _problems(write_config((old, new)))

    assert problem.startswith(expected)


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    """An empty file says which tables it needs."""
    path = tmp_path / "signerd.toml"
    path.touch()

    assert _problems(path) == ["[tokens] is missing", "[authority] is missing"]


def test_no_pin_is_repeated(write_config: WriteConfig) -> None:
    """A PIN in the wrong place is not shown in the message that refuses it."""
    path = write_config(
        ("?pin-source=file:pin", "?pin-value=s3cr3t"),
        more='[store]\nurl = "s3cr3t"\n[tokens.environment]\nPIN = 53\n',
    )

    problems = "\n".join(_problems(path))

    assert "tokens.environment.PIN" in problems
    assert "s3cr3t" not in problems
    assert "53" not in problems


@pytest.mark.parametrize("name", ["pin", "so-pin", "tls/server.key"])
def test_open_secret_files_are_refused(
    write_config: WriteConfig, tmp_path: Path, name: str
) -> None:
    """A PIN file or TLS key that others can read stops the start and names chmod."""
    secret = tmp_path / name
    secret.parent.mkdir(exist_ok=True)
    secret.touch()
    secret.chmod(0o640)
    path = write_config(("[authority]", 'so_pin_source = "so-pin"\n[authority]'))

    (problem,) = _problems(path)

    assert problem.endswith(f"{secret} is open to other users (mode 0640); run: chmod 600 {secret}")
    secret.chmod(0o600)
    load_settings(path)


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    """What is not TOML is told with line and column."""
    path = tmp_path / "signerd.toml"
    path.write_text("[tokens]\nmodule = \n")

    (problem,) = _problems(path)

    assert problem.startswith("is not TOML")
    assert "line 2" in problem


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """An absent file, a directory and a file that is not UTF-8 are told apart."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"a = '\xff'")

    assert _problems(tmp_path / "absent.toml") == ["no such file"]
    assert _problems(tmp_path) == ["cannot be read: Is a directory"]
    assert _problems(binary) == ["is not UTF-8 text (byte 5)"]
