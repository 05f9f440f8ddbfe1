"""signerctl activation, and signing with what it gives."""

import stat
from pathlib import Path

from tests.client.scripted_daemon import ScriptedDaemon
from tests.client.signerctl_process import Signerctl


def test_an_authorisation_goes_by_file(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """PIN and authorisation are read from files, never shown, and the file written is the owner's
    alone; sign and sign-batch send what it holds."""
    pin, agreed = directory / "pin", directory / "authorisation"
    pin.write_text("274953\n")
    digest = f"sha256:{'ab' * 32}"
    command = ("activation", "authorize", "c", "--pin-from", f"file:{pin}", "--digest", digest)
    given = signerctl(*command, "--count", "3", "--out", str(agreed))
    (request,) = daemon.script.requests["AuthorizeSigning"]
    assert (request.pin, request.signature_count) == ("274953", 3)
    assert [one.sha256.hex() for one in request.digests] == ["ab" * 32]
    assert (given.code, "authorisations/id" in given.out) == (0, True)
    assert "secret" not in given.out
    assert stat.S_IMODE(agreed.stat().st_mode) == 0o600
    sign = ("--credential", "c", "--authorisation", f"file:{agreed}")
    assert signerctl("sign", *sign, "--encoding", "hex", stdin=b"order").code == 0
    assert signerctl("sign-batch", *sign, stdin=digest.encode()).code == 0
    assert daemon.script.requests["Sign"][0].authorisation == "id.secret"
    (batch,) = daemon.script.requests["BatchSign"]
    assert batch.requests[0].authorisation == "id.secret"


def test_a_pin_is_set_changed_and_taken_away(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """set-pin sends both PINs where there are two; unlock says whether one is in force."""
    new, old = directory / "new", directory / "old"
    new.write_text("482613")
    old.write_text("274953")
    command = ("activation", "set-pin", "c", "--new-pin-from", f"file:{new}")
    assert signerctl(*command, "--current-pin-from", f"file:{old}").code == 0
    (request,) = daemon.script.requests["SetActivationPin"]
    assert (request.new_pin, request.current_pin) == ("482613", "274953")
    assert "no PIN is set" in signerctl("activation", "unlock", "c", "--reset-pin").out
    assert "in force" in signerctl("activation", "unlock", "c").out


def test_a_certificate_says_that_its_key_requires_activation(
    daemon: ScriptedDaemon, signerctl: Signerctl
) -> None:
    """issue sends what is asked for, NONE where nothing is, and refuses other words."""
    issue = (
        *("certificate", "issue", "--subscriber", "s", "--profile", "p", "--name", "n"),
        *("--algorithm", "EC_P256_SHA256"),
    )
    assert signerctl(*issue, "--activation", "REQUIRED").code == 0
    assert signerctl(*issue).code == 0
    sent = [request.activation for request in daemon.script.requests["IssueCertificate"]]
    assert sent == [2, 1]
    assert signerctl(*issue, "--activation", "MAYBE").code == 2
