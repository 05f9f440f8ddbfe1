"""The PKCS#11 module of a process."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pkcs11
from pkcs11 import PKCS11Error, Token, TokenFlag

from signerd.core.value import TokenRef
from signerd.tokens.error import Pkcs11Errors

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib as Lib  # noqa: N812 - the library names its class so

_LOCK_WAIT_S: Final = 3.0
_LOCK_POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token in a slot, as it was when the slots were last looked through."""

    ref: TokenRef
    token: Token


class Pkcs11Module:
    """One loaded module. It must be used from one thread only: python-pkcs11 initialises it
    without locking, on which SoftHSM switches its own mutexes off."""

    def __init__(
        self, path: Path, environment: Mapping[str, str], *, lock_directory: Path | None = None
    ) -> None:
        """environment: variables the module reads, set before it is loaded. lock_directory: where
        processes that share the tokens agree on who starts up; None when there are no others."""
        self.path = path
        self._environment = dict(environment)
        self._lock_directory = lock_directory
        self._lib: Lib | None = None

    @property
    def description(self) -> str:
        """Manufacturer, name and version of the library."""
        if self._lib is None:
            return "not loaded"
        major, minor = self._lib.library_version
        maker, name = self._lib.manufacturer_id, self._lib.library_description
        return f"{maker}, {name} {major}.{minor}"

    def reload(self) -> None:
        """Load the module, or C_Finalize and C_Initialize it; every earlier session and handle
        is void. Raises SessionLost when it cannot be initialised now."""
        with Pkcs11Errors(f"PKCS#11 module {self.path}"):
            if self._lib is None:
                os.environ.update(self._environment)
                self._lib = pkcs11.lib(str(self.path))
                return
            with contextlib.suppress(PKCS11Error):
                self._lib.finalize()
            self._lib.initialize()

    def tokens(self) -> list[FoundToken]:
        """Every initialised token. A slot that fails is passed over: one broken token must not
        hide the others. Raises SessionLost when there is no slot list."""
        if self._lib is None:
            return []
        found = []
        with Pkcs11Errors(f"PKCS#11 module {self.path}"):
            slots = self._lib.get_slots()
        for slot in slots:
            try:
                token = slot.get_token()
            except PKCS11Error:
                continue
            if token.flags & TokenFlag.TOKEN_INITIALIZED:
                serial = token.serial.decode("utf-8", errors="replace")
                found.append(FoundToken(TokenRef(token.label, serial), token))
        return found

    def free_slot(self) -> int | None:
        """Slot id of a token that is not initialised, if there is one."""
        if self._lib is None:
            return None
        for slot in self._lib.get_slots():
            with contextlib.suppress(PKCS11Error):
                if not slot.get_token().flags & TokenFlag.TOKEN_INITIALIZED:
                    return slot.slot_id
        return None

    @contextlib.contextmanager
    def start_lock(self, alive: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Keep other processes from initialising the module while this one does, or logs in.

        SoftHSM rewrites a token's file at each login, and a process that initialises at that
        moment does not see the token. Waiting is bounded: a holder that hangs delays others by
        seconds and no more, and they retry on what they then find. alive is called while waiting.
        """
        if self._lock_directory is None:
            yield
            return
        fd = os.open(self._lock_directory / "pkcs11.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            until = time.monotonic() + _LOCK_WAIT_S
            while time.monotonic() < until:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                alive()
                time.sleep(_LOCK_POLL_S)
            yield
        finally:
            os.close(fd)
