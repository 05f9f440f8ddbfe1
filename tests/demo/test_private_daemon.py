import tomllib
from pathlib import Path

from signerd_harness.daemon_directory import configure


def test_a_setting_is_made_whether_or_not_it_was_there(tmp_path: Path) -> None:
    """Only the named keys change; keys of the same name in other sections stay."""
    file = tmp_path / "signerd.toml"
    file.write_text(
        '[server]\nlisten = "127.0.0.1:1"\nfronts = 9\n\n[tokens]\nmodule = "/m.so"\n\n'
        "[tokens.authority]\nhosts = 7\n"
    )
    configure(file, {"server.fronts": "3", "tokens.hosts": "4", "log.level": '"debug"'})
    assert tomllib.loads(file.read_text()) == {
        "server": {"listen": "127.0.0.1:1", "fronts": 3},
        "log": {"level": "debug"},
        "tokens": {"module": "/m.so", "hosts": 4, "authority": {"hosts": 7}},
    }
