"""signerctl login, from the challenge to the verdict."""

from pathlib import Path

from tests.client.scripted_daemon import ScriptedDaemon
from tests.client.signerctl_process import Signerctl


def test_a_login_by_hand(daemon: ScriptedDaemon, signerctl: Signerctl, tmp_path: Path) -> None:
    """What challenge writes respond signs, for its domain alone, and verify judges."""
    text, signature = str(tmp_path / "challenge.txt"), str(tmp_path / "response.sig")
    made = signerctl("login", "challenge", "--domain", "bank.example", "--out", text)
    assert (made.code, "answer by" in made.out) == (0, True)
    respond = ("login", "respond", "--challenge", text, "--credential", "c", "--out", signature)
    other = signerctl(*respond, "--domain", "shop.example")
    assert (other.code, "passing on" in other.err) == (2, True)
    assert not daemon.script.requests["Sign"]
    done = signerctl(*respond, "--domain", "bank.example")
    assert (done.code, daemon.script.requests["Sign"][0].purpose) == (0, "login")
    verify = ("login", "verify", "--challenge", text, "--certificate", "4f")
    verdict = signerctl(*verify, "--signature", signature)
    assert (verdict.code, verdict.out.split()[:3]) == (0, ["logged", "in", "yes"])
    refused = signerctl(*verify, "--signature", text)
    assert refused.code == 1
    assert "SIGNATURE_INVALID" in refused.out
