"""Checks of module, tokens and keys."""

from signerd.app.doctor.finding import Findings
from signerd.app.layout import latch_directory
from signerd.config.settings import Settings
from signerd.core.algorithm import Hash
from signerd.core.error import SignerdError
from signerd.core.lifecycle import SystemKeyRole, TokenPurpose
from signerd.core.record import SystemKey, TokenRecord
from signerd.pki.signature import digest, verify_signature
from signerd.tokens.export_probe import probe_export
from signerd.tokens.inspect import (
    KeyInspection,
    ModuleInspection,
    TokenInspection,
    inspect_key,
    inspect_module,
)
from signerd.tokens.module import Pkcs11Module
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.resolve import token_specs
from signerd.tokens.token_set import TokenSet
from signerd.tokens.token_spec import unreported

_NEARLY_FULL = 0.9


def report_protection(findings: Findings, check: str, algorithm: str, found: KeyInspection) -> None:
    """Say whether a key of the daemon is protected."""
    if found.is_protected:
        findings.ok(check, f"{algorithm}, sensitive, not extractable")
        return
    findings.failed(
        check,
        f"sensitive={found.sensitive}, extractable={found.extractable}, "
        f"also {' '.join(found.excess_uses) or 'nothing'}; make a new hierarchy",
    )


class TokenChecks:
    """The checks that need the PKCS#11 module, in the order in which they build on each other.

    opened: the tokens, once check_login has logged in."""

    def __init__(self, findings: Findings, settings: Settings) -> None:
        self._findings = findings
        latches = latch_directory(settings.server.state_directory)
        latches.mkdir(mode=0o700, exist_ok=True)
        self._latch = PinLatch(latches)
        self._specs = token_specs(settings.tokens)
        self._module = Pkcs11Module(
            settings.tokens.module, settings.tokens.environment, lock_directory=latches
        )
        self.opened = TokenSet(self._module, self._specs, self._latch, unreported)

    def check_module(self, known: list[TokenRecord]) -> bool:
        """Module, tokens and PIN state, without a PIN being tried; False when there is no use in
        going on."""
        with self._findings.guard("module"):
            seen = inspect_module(self._module, self._specs, self._latch)
            self._findings.ok("module", seen.description)
            self._check_presence(seen, known)
            for token in seen.tokens:
                self._check_pin(token)
                self._check_mechanisms(token)
            purposes = {token.purpose for token in seen.tokens if not token.pin_problem}
            return purposes == set(TokenPurpose)
        return False

    def check_login(self) -> None:
        """Log in to every token whose PIN may be tried, once."""
        with self._findings.guard("login"):
            self.opened.open_all()
            for ref, _, error in self.opened.problems():
                self._findings.failed("login", f"{ref}: {error.message}")
            count = len(self.opened.open_tokens())
            self._findings.ok("login", f"{count} tokens open")

    def check_keys(self, keys: dict[SystemKeyRole, SystemKey]) -> None:
        """Each key of the daemon is there and protected, and signs."""
        for role, key in keys.items():
            check = f"{role.value.lower()} key"
            with self._findings.guard(check):
                found = inspect_key(self.opened.session_of(key.key.token), key.key)
                report_protection(self._findings, check, key.algorithm, found)

    def check_signature(self, keys: dict[SystemKeyRole, SystemKey]) -> None:
        """A signature with the probe key, verified with its public key."""
        probe = keys.get(SystemKeyRole.PROBE)
        if probe is None:
            return
        with self._findings.guard("test signature"):
            message = digest(Hash.SHA256, b"signerd doctor")
            signature = self.opened.sign(probe.key, probe.algorithm, message)
            checked = verify_signature(probe.spki, probe.algorithm, message, signature)
            if checked.is_valid:
                self._findings.ok("test signature", f"{probe.algorithm} made and verified")
            else:
                self._findings.failed(
                    "test signature", f"{checked.explanation}; the token is not to be trusted"
                )

    def check_export(self) -> None:
        """No token lets a throwaway key go, by any way of PKCS#11."""
        for ref in self.opened.open_tokens():
            check = "key export"
            try:
                attempts = probe_export(self.opened.session_of(ref))
            except SignerdError as error:
                self._findings.failed(check, f"{ref}: {error.message}")
                continue
            leaks = [attempt for attempt in attempts if not attempt.refused]
            for leak in leaks:
                self._findings.failed(
                    check,
                    f"{ref}: {leak.way}: {leak.detail}; do not keep keys on this token",
                )
            if not leaks:
                self._findings.ok(check, f"{ref}: refused in all {len(attempts)} ways")

    def _check_presence(self, seen: ModuleInspection, known: list[TokenRecord]) -> None:
        there = {token.token for token in seen.tokens}
        for token in seen.tokens:
            self._findings.ok("token", f"{token.token} ({token.purpose.value.lower()})")
        for purpose in set(TokenPurpose) - {token.purpose for token in seen.tokens}:
            self._findings.failed(
                "token", f"no {purpose.value.lower()} token; check [tokens] or run `signerd init`"
            )
        for record in known:
            if record.token not in there:
                keys = (
                    f"{record.key_count} subscribers' keys" if record.capacity else "the CA's keys"
                )
                self._findings.failed(
                    "token",
                    f"{record.token} with {keys} is gone; bring it back or restore it from its "
                    "backup",
                )
            elif record.capacity and record.key_count >= record.capacity * _NEARLY_FULL:
                self._findings.note(
                    "token", f"{record.token}: {record.key_count} of {record.capacity} keys"
                )

    def _check_pin(self, token: TokenInspection) -> None:
        if token.pin_problem:
            self._findings.failed("PIN", f"{token.token}: {token.pin_problem}")
        elif "USER_PIN_COUNT_LOW" in token.flags:
            self._findings.note("PIN", f"{token.token}: not locked, but a wrong PIN was tried")
        else:
            self._findings.ok("PIN", f"{token.token}: not locked, no try used up")

    def _check_mechanisms(self, token: TokenInspection) -> None:
        if not token.algorithms:
            self._findings.failed(
                "mechanisms", f"{token.token}: none that signerd signs with; use another module"
            )
            return
        self._findings.ok("mechanisms", f"{token.token}: {len(token.algorithms)} algorithms")
        if token.missing:
            lacking = ", ".join(token.missing)
            self._findings.note("mechanisms", f"{token.token}: not {lacking}")
