"""All tokens of a process: opening them, and opening them again when a session is lost."""

import itertools
import time
from collections.abc import Callable
from typing import Final, TypeVar

from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import SignerdError, TokenRefused, TokenUnavailable
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import GeneratedKey, KeyOrigin, TokenHealth, TokenKey
from signerd.core.value import KeyRef, TokenRef
from signerd.observability.event import LogEvent
from signerd.tokens.error import PinRefused, SessionLost, TokenNotOpen
from signerd.tokens.key_handle import KEY_NOT_FOUND, WAS_HELD
from signerd.tokens.login import log_in
from signerd.tokens.module import FoundToken, Pkcs11Module
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.provision import create_soft_token
from signerd.tokens.reload_gate import ReloadGate
from signerd.tokens.secret_key import SecretKeys
from signerd.tokens.session import TokenSession
from signerd.tokens.token_spec import Report, TokenSpec, unreported

_T = TypeVar("_T")
_REOPEN_TRIES: Final = 3
_REOPEN_PAUSE_S: Final = 0.1
_MISSED_MOST: Final = 1000


class TokenSet:
    """The tokens that the specs name, as far as they can be opened.

    A lost session is replaced and the call repeated, which every call here allows; while that is
    not possible, or was tried too recently, the call raises TokenUnavailable with retry_after_s.
    A token that stays away concerns its own keys only.
    """

    def __init__(
        self,
        module: Pkcs11Module,
        specs: tuple[TokenSpec, ...],
        latch: PinLatch,
        report: Report = unreported,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """alive: called before each step of a reload, which as a whole may take longer than one
        PKCS#11 call may."""
        self.module = module
        self._specs = specs
        self._latch = latch
        self._report = report
        self._alive = alive
        self._gate = ReloadGate()
        self._reloaded = 0.0
        # Since when keys are looked for that were not found: seconds of CLOCK_MONOTONIC.
        self._missed: dict[KeyRef, float] = {}
        self._sessions: dict[TokenRef, TokenSession] = {}
        self._problems: dict[TokenRef, tuple[TokenPurpose, SignerdError]] = {}
        self._module_problem: SignerdError | None = None

    def sign(self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes) -> bytes:
        """As TokenSession.sign, with a second look for a key that is not found.

        A SoftHSM process that reads the token's files while another process writes a new key takes
        that key for damaged, and does not see it until the module is initialised anew. A key is
        therefore missing only when it is after a reload that began later than it was first missed,
        whatever that was done for. Raises TokenUnavailable (KEY_NOT_SEEN) while the last reload is
        too recent for another.
        """
        # The short way: no closure where the session is in order.
        session = self._sessions.get(key.token)
        if session is not None:
            try:
                return session.sign(key.cka_id, algorithm, message)
            except SessionLost as error:
                self._drop(key.token, error)
            except TokenRefused as error:
                if error.reason != KEY_NOT_FOUND or WAS_HELD in error.metadata:
                    raise
                self._look_again(key)
        return self._run(key.token, lambda it: it.sign(key.cka_id, algorithm, message))

    def generate_key(
        self, key: KeyRef, algorithm: KeyAlgorithm, *, is_repeat: bool = True
    ) -> GeneratedKey:
        """As TokenSession.generate_key; a second attempt here cleans up after the first."""
        attempts = itertools.count()
        return self._run(
            key.token,
            lambda it: it.generate_key(
                key.cka_id, algorithm, is_repeat=is_repeat or next(attempts) > 0
            ),
        )

    def generate_secret(self, key: KeyRef, algorithm: SecretAlgorithm) -> KeyOrigin:
        """As SecretKeys.generate."""
        return self._run(key.token, lambda it: it.secrets.generate(key.cka_id, algorithm))

    def seal(self, key: KeyRef, plaintext: bytes, associated: bytes) -> bytes:
        """As SecretKeys.seal; the second look for a key is that of `sign`."""
        return self._with_secrets(key, lambda it: it.seal(key.cka_id, plaintext, associated))

    def unseal(self, key: KeyRef, sealed: bytes, associated: bytes) -> bytes:
        """As SecretKeys.unseal; the second look for a key is that of `sign`."""
        return self._with_secrets(key, lambda it: it.unseal(key.cka_id, sealed, associated))

    def mac(self, key: KeyRef, data: bytes) -> bytes:
        """As SecretKeys.mac; the second look for a key is that of `sign`."""
        return self._with_secrets(key, lambda it: it.mac(key.cka_id, data))

    def destroy_key(self, key: KeyRef, *, was_made: bool = False) -> int:
        """As TokenSession.destroy_key. Of a key that was made for certain nothing is left only
        when a second look says so, for the reason that `sign` gives; raises as it does."""
        count = self._run(key.token, lambda it: it.destroy_key(key.cka_id))
        if count == 0 and was_made:
            self._look_again(key)
            count = self._run(key.token, lambda it: it.destroy_key(key.cka_id))
        return count

    def list_keys(self, token: TokenRef) -> list[TokenKey]:
        """As TokenSession.list_keys, after a reload where the last one is not too recent."""
        if self._gate.wait_s(time.monotonic()) == 0:
            self._reload_for(token)
        return self._run(token, lambda it: it.list_keys())

    def session_of(self, token: TokenRef) -> TokenSession:
        """The open session of a token. Raises TokenUnavailable."""
        return self._run(token, lambda it: it)

    def open_tokens(self, purpose: TokenPurpose | None = None) -> list[TokenRef]:
        """Tokens that are open, of one purpose or of any."""
        return [
            ref for ref, it in self._sessions.items() if purpose is None or it.purpose is purpose
        ]

    def problems(self) -> list[tuple[TokenRef, TokenPurpose, SignerdError]]:
        """Tokens that could not be opened, and why."""
        return [(ref, purpose, error) for ref, (purpose, error) in self._problems.items()]

    def health(self) -> list[TokenHealth]:
        """The state of every token known, after a try to mend what is broken."""
        for ref, session in list(self._sessions.items()):
            try:
                session.require_present()
            except SessionLost as error:
                self._drop(ref, error)
        broken = [ref for ref in self._problems if not self._latch.is_set(ref.serial)]
        if broken and self._gate.wait_s(time.monotonic()) == 0:
            self._reload_for(broken[0])
        states = [TokenHealth(ref, it.purpose, "") for ref, it in self._sessions.items()]
        states += [TokenHealth(ref, how[0], how[1].message) for ref, how in self._problems.items()]
        return sorted(states, key=lambda it: (it.purpose is not TokenPurpose.AUTHORITY, str(it)))

    def create_token(self, spec: TokenSpec, label: str, so_pin: str) -> TokenRef:
        """Make a token with the PIN of a spec and open it. Raises what create_soft_token does,
        and TokenUnavailable."""
        try:
            ref = create_soft_token(self.module, label=label, pin=spec.pin(), so_pin=so_pin)
        finally:
            self.open_all()
        return self.session_of(ref).ref

    def hold_all_keys(self) -> None:
        """Take the handles of all keys now instead of at the first use of each token."""
        for session in self._sessions.values():
            self._alive()
            session.hold_all()

    def open_all(self) -> None:
        """Load or reload the module and open every token that a spec names.

        What fails is found in problems(). Raises SessionLost when the module does not
        initialise.
        """
        known = {ref: it.purpose for ref, it in self._sessions.items()}
        known |= {ref: how[0] for ref, how in self._problems.items()}
        self._sessions.clear()
        with self.module.start_lock(self._alive):
            self._alive()
            self._load()
            seen: set[TokenRef] = set()
            for found in self.module.tokens():
                spec = self._spec_of(found.ref)
                if spec is not None:
                    seen.add(found.ref)
                    self._open(found, spec)
        for ref, purpose in known.items():
            if ref not in seen:
                gone = TokenUnavailable(f"token {ref} is not there; bring it back")
                self._problems[ref] = (purpose, gone)

    def _load(self) -> None:
        try:
            self.module.reload()
        except SessionLost as error:
            self._module_problem = error
            raise
        self._module_problem = None

    def _spec_of(self, ref: TokenRef) -> TokenSpec | None:
        return next((spec for spec in self._specs if spec.matches(ref)), None)

    def _open(self, found: FoundToken, spec: TokenSpec) -> None:
        ref = found.ref
        self._alive()
        try:
            session = log_in(found, spec, self._latch)
        except SignerdError as error:
            self._note_problem(ref, spec.purpose, error)
        else:
            self._problems.pop(ref, None)
            self._sessions[ref] = TokenSession(ref, spec.purpose, session, self._report)

    def _note_problem(self, ref: TokenRef, purpose: TokenPurpose, error: SignerdError) -> None:
        self._problems[ref] = (purpose, error)
        refused = isinstance(error, PinRefused)
        event = LogEvent.TOKEN_PIN_REFUSED if refused else LogEvent.TOKEN_LOST
        self._report(event, {"token": str(ref), "problem": error.message})

    def _drop(self, ref: TokenRef, error: SessionLost) -> None:
        session = self._sessions.pop(ref, None)
        if session is not None:
            self._note_problem(ref, session.purpose, error)

    def _run(self, token: TokenRef, act: Callable[[TokenSession], _T]) -> _T:
        session = self._sessions.get(token)
        is_begun = session is not None
        if session is not None:
            try:
                return act(session)
            except SessionLost as error:
                self._drop(token, error)
        session = self._repaired(token)
        if session is None:
            raise self._unavailable(token, is_begun=is_begun)
        try:
            return act(session)
        except SessionLost as error:
            self._drop(token, error)
            raise self._unavailable(token, is_begun=True) from error

    def _with_secrets(self, key: KeyRef, act: Callable[[SecretKeys], bytes]) -> bytes:
        try:
            return self._run(key.token, lambda it: act(it.secrets))
        except TokenRefused as error:
            if error.reason != KEY_NOT_FOUND or WAS_HELD in error.metadata:
                raise
        self._look_again(key)
        return self._run(key.token, lambda it: act(it.secrets))

    def _look_again(self, key: KeyRef) -> None:
        now = time.monotonic()
        if self._reloaded > self._missed.get(key, now):
            del self._missed[key]
            return
        wait_s = self._gate.wait_s(now)
        if wait_s > 0:
            if len(self._missed) >= _MISSED_MOST:
                self._missed.clear()
            self._missed.setdefault(key, now)
            raise TokenUnavailable(
                f"{key.token}: key {key.cka_id.hex()} is not seen; it is looked for again in a "
                "moment",
                reason="KEY_NOT_SEEN",
                retry_after_s=max(0.1, wait_s),
            )
        self._missed.pop(key, None)
        self._reload_for(key.token)

    def _repaired(self, token: TokenRef) -> TokenSession | None:
        if self._latch.is_set(token.serial) or self._gate.wait_s(time.monotonic()) > 0:
            return None
        self._reload_for(token)
        return self._sessions.get(token)

    def _reload_for(self, token: TokenRef) -> None:
        """Reload, a few times over while the token is missing: another process that logs in at
        the same moment hides it."""
        started = time.monotonic()
        for _ in range(_REOPEN_TRIES):
            try:
                self.open_all()
            except SessionLost as error:
                for ref in list(self._problems):
                    self._problems[ref] = (self._problems[ref][0], error)
            problem = self._problems.get(token)
            if token in self._sessions or (problem and isinstance(problem[1], PinRefused)):
                break
            time.sleep(_REOPEN_PAUSE_S)
        helped = token in self._sessions
        self._reloaded = started
        self._gate.note(started, time.monotonic(), helped=helped)
        self._report(LogEvent.TOKEN_REOPENED, {"token": str(token), "helped": str(helped)})

    def _unavailable(self, token: TokenRef, *, is_begun: bool) -> TokenUnavailable:
        kind = TokenUnavailable if is_begun else TokenNotOpen
        _, problem = self._problems.get(token, (None, None))
        retry = max(0.1, self._gate.wait_s(time.monotonic()))
        error = problem or self._module_problem
        if error is None:
            return kind(
                f"token {token} was not there when tokens were last looked for; it is looked for "
                "again by itself",
                retry_after_s=retry,
            )
        reason = error.reason if isinstance(error, PinRefused) else None
        return kind(error.message, reason=reason, retry_after_s=retry)


def require_distinct_keys(tokens: TokenSet) -> None:
    """Raises BootError (KEY_AMBIGUOUS) when two private keys of the authority token, whose keys
    have been taken hold of, carry the same CKA_ID: nobody can say which one is the CA's. Likewise
    for two secret keys."""
    for ref in tokens.open_tokens(TokenPurpose.AUTHORITY):
        for cka_id in tokens.session_of(ref).ambiguous_ids():
            raise BootError(
                ExitCode.KEY_AMBIGUOUS,
                f"token {ref}: two keys carry CKA_ID {cka_id.hex()}; destroy the one that does not "
                "belong there with the token's own tool",
            )


def require_boot_tokens(tokens: TokenSet) -> None:
    """Raises BootError unless the authority token and one of the pool are open.

    PIN_REFUSED: a PIN was refused or must not be tried. TOKEN_MISSING otherwise.
    """
    problems = tokens.problems()
    refused = [error for _, _, error in problems if isinstance(error, PinRefused)]
    if refused:
        raise BootError(ExitCode.PIN_REFUSED, refused[0].message)
    for purpose in TokenPurpose:
        if not tokens.open_tokens(purpose):
            why = [error.message for _, its, error in problems if its is purpose]
            raise BootError(
                ExitCode.TOKEN_MISSING,
                why[0]
                if why
                else f"no {purpose.value.lower()} token is there; check [tokens] and "
                "`signerd doctor`, or run `signerd init`",
            )
    if len(tokens.open_tokens(TokenPurpose.AUTHORITY)) > 1:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            "two tokens carry the authority's label; add serial= to tokens.authority.uri",
        )
