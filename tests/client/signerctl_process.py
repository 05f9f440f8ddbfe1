"""The command signerctl as a real process, and a command line for every RPC."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ISSUE = (
    *("certificate", "issue", "--subscriber", "hong-gildong", "--profile", "personal"),
    *("--name", "홍길동", "--algorithm", "EC_P256_SHA256"),
)
# A variable that `environment` sets; nobody checks here what number it holds.
_NUMBER = "env:LC_ALL"
# A file with paths of files, one a line.
_PATHS = str(Path(__file__).with_name("paths.txt"))
REGISTER = (
    *("subscriber", "register", "hong-gildong", "--name", "홍길동", "--branch", "041"),
    *("--document-kind", "DRIVERS_LICENCE", "--document-number-from", _NUMBER),
    *("--account", "110-123-456789", "--phone", "+821012345678", "--email", "h@example.com"),
)
COMMANDS: dict[str, tuple[str, ...]] = {
    "IssueCertificate": ISSUE,
    "ReissueCertificate": ("certificate", "reissue", "4f"),
    "RenewCertificate": ("certificate", "renew", "4f"),
    "SuspendCertificate": ("certificate", "suspend", "4f"),
    "ResumeCertificate": ("certificate", "resume", "4f"),
    "RevokeCertificate": ("certificate", "revoke", "4f", "--yes"),
    "GetCertificate": ("certificate", "show", "4f"),
    "ListCertificates": ("certificate", "list"),
    "CountCertificates": ("certificate", "inventory"),
    "WatchCertificates": ("certificate", "watch", "--after", "0", "--limit", "3"),
    "VerifyIdentity": (
        *("certificate", "verify-identity", "4f"),
        *("--identity-number-from", _NUMBER),
    ),
    "RegisterSubscriber": REGISTER,
    "UpdateSubscriber": ("subscriber", "update", "hong-gildong", "--branch", "042"),
    "GetSubscriber": ("subscriber", "show", "hong-gildong"),
    "FindSubscribers": ("subscriber", "find", "--phone", "+821012345678"),
    "EraseSubscriber": ("subscriber", "erase", "hong-gildong", "--yes"),
    "SetPassword": ("subscriber", "set-password", "hong-gildong", "--new-password-from", _NUMBER),
    "RegisterBiometricKey": (
        *("subscriber", "register-biometric-key", "hong-gildong"),
        *("--public-key", "/dev/null"),
    ),
    "OpenEnrolment": (
        *("enrolment", "open", "hong-gildong", "--purpose", "REISSUE"),
        *("--certificate", "4f"),
    ),
    "SendCode": ("enrolment", "send-code", "6a"),
    "ProveIdentity": ("enrolment", "prove", "6a", "--password-from", _NUMBER),
    "ClaimCertificate": (
        *("enrolment", "claim", "1234567890128"),
        *("--authorisation-code-from", _NUMBER),
    ),
    "ReportLoss": ("enrolment", "report-loss", "6a"),
    "GetEnrolment": ("enrolment", "show", "7KQ2M-9XW4T"),
    "ListEnrolments": ("enrolment", "list"),
    "CancelEnrolment": ("enrolment", "cancel", "6a"),
    "GetCaChain": ("ca", "chain"),
    "GetPublicKey": ("key", "show", "c"),
    "Sign": ("sign", "--credential", "c", "--encoding", "hex"),
    "BatchSign": ("sign-batch", "--credential", "c", "--files", "sha256", "--in", _PATHS),
    "SignStream": (
        *("sign-batch", "--credential", "c", "--stream"),
        *("--files", "sha256", "--in", _PATHS),
    ),
    "SignDocument": ("sign", "--credential", "c", "--stream", "--encoding", "hex"),
    "Verify": ("verify", "--credential", "c", "--in", "/dev/null", "--signature", "/dev/null"),
    "SetActivationPin": ("activation", "set-pin", "c", "--new-pin-from", _NUMBER),
    "SendActivationCode": ("activation", "send-code", "c"),
    "AuthorizeSigning": ("activation", "authorize", "c", "--pin-from", _NUMBER),
    "UnlockActivation": ("activation", "unlock", "c"),
    "SignCms": ("cms", "sign", "--credential", "c", "--in", "/dev/null", "--format", "pem"),
    "VerifyCms": ("cms", "verify", "--cms", "/dev/null"),
    "CreateTimestamp": ("timestamp", "create", "--in", "/dev/null"),
    "VerifyTimestamp": (
        *("timestamp", "verify", "--time-stamp", "/dev/null"),
        *("--in", "/dev/null"),
    ),
    "CreateChallenge": ("login", "challenge", "--domain", "bank.example"),
    "VerifyChallengeResponse": (
        *("login", "verify", "--challenge", "/dev/null", "--signature", "/dev/null"),
        *("--certificate", "4f"),
    ),
    "GetServerInfo": ("server", "info"),
    "GetTokenStatus": ("token", "status"),
    "ListAuditEvents": ("audit", "list"),
    "WatchAuditEvents": ("audit", "watch", "--after", "0", "--limit", "3"),
    "ProveAuditRecord": ("audit", "prove", "--position", "26", "--out", "/dev/null"),
    "ListMessages": ("outbox", "list"),
    "GetMessage": ("outbox", "show", "9b1c"),
}
COMMAND = (str(Path(sys.executable).with_name("signerctl")),)


def environment(**more: str) -> dict[str, str]:
    """A plain environment without any SIGNERD_ variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNERD_")}
    return kept | {"LC_ALL": "C.UTF-8", "COLUMNS": "100"} | more


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str
    raw: bytes


@dataclass(frozen=True)
class Signerctl:
    """Runs commands against one target."""

    target: str

    def __call__(self, *arguments: str, stdin: bytes = b"", target: str | None = None) -> Result:
        done = subprocess.run(
            (*COMMAND, *arguments),
            input=stdin,
            capture_output=True,
            env=environment(SIGNERD_TARGET=self.target if target is None else target),
            timeout=60,
            check=False,
        )
        out = done.stdout.decode(errors="replace")
        return Result(done.returncode, out, done.stderr.decode(), done.stdout)
