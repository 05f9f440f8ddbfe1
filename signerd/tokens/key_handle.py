"""Handles of the keys on a token: found once, held, found again when a key is gone."""

import contextlib
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from pkcs11 import Attribute, Object, ObjectClass, PKCS11Error, Session

from signerd.core.error import TokenRefused
from signerd.core.value import TokenRef
from signerd.tokens.error import Pkcs11Errors, SessionLost
from signerd.tokens.search import GONE, objects_left

_P = ParamSpec("_P")
_T = TypeVar("_T")
KEY_NOT_FOUND: Final = "KEY_NOT_FOUND"
# Metadata of a refusal: this process had the key's handle, so that the key was destroyed since.
WAS_HELD: Final = "was_held"
_HANDLES_MOST: Final = 50_000
_ADVICE: Final = {
    ObjectClass.PRIVATE_KEY: ("private key", "restore the token, or issue anew"),
    ObjectClass.SECRET_KEY: ("secret key", "restore the token"),
}


class KeyHandles:
    """The keys of one class (CKA_CLASS) on the token of a session, by CKA_ID."""

    def __init__(
        self,
        ref: TokenRef,
        session: Session,
        kind: ObjectClass,
        require_present: Callable[[], None],
    ) -> None:
        """require_present: raises SessionLost when the token does not answer."""
        self._ref = ref
        self._session = session
        self._kind = kind
        self._noun, self._advice = _ADVICE[kind]
        self._require_present = require_present
        # None marks a CKA_ID under which two keys were found.
        self._handles: dict[bytes, Object | None] = {}
        self._listed = False

    def use(
        self,
        cka_id: bytes,
        act: Callable[Concatenate[Object, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Do something with a key; with a second look where the held handle is no longer good.

        Raises TokenRefused as `find`, and what act raises.
        """
        key = self._handles.get(cka_id)
        if key is None:
            return act(self.find(cka_id), *args, **kwargs)
        try:
            return act(key, *args, **kwargs)
        except SessionLost as error:
            if not isinstance(error.__cause__, GONE):
                raise
        # Another process may have made the key anew or destroyed it: look once more.
        self._handles.pop(cka_id, None)
        try:
            found = self.find(cka_id)
        except TokenRefused as error:
            error.metadata[WAS_HELD] = "yes"
            raise
        return act(found, *args, **kwargs)

    def find(self, cka_id: bytes) -> Object:
        """The handle held, or looked for. Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY),
        SessionLost."""
        held = self._handles.get(cka_id)
        if held is not None:
            return held
        with Pkcs11Errors(f"{self._ref}: find"):
            self.hold_all()
            if cka_id not in self._handles:
                found = list(
                    objects_left(self._session, {Attribute.CLASS: self._kind, Attribute.ID: cka_id})
                )
                if found:
                    self.hold(cka_id, found[0] if len(found) == 1 else None)
        if cka_id not in self._handles:
            self._require_present()
            raise TokenRefused(
                f"{self._ref}: there is no {self._noun} {cka_id.hex()}; {self._advice}",
                reason=KEY_NOT_FOUND,
            )
        key = self._handles[cka_id]
        if key is None:
            # Not remembered: once an operator has removed one, the other serves.
            del self._handles[cka_id]
            raise TokenRefused(
                f"{self._ref}: two {self._noun}s carry CKA_ID {cka_id.hex()}; destroy the one "
                "that does not belong there",
                reason="AMBIGUOUS_KEY",
            )
        return key

    def hold_all(self) -> None:
        """Take the handles of all keys, once: 0.1 ms a key, where a search for a single one walks
        over all of them anyway."""
        if self._listed:
            return
        self._listed = True
        # Counted within the listing: keys that were made or found before are held already, and
        # are listed too.
        listed: dict[bytes, Object | None] = {}
        # One damaged object can break the listing; keys are then found one by one.
        with contextlib.suppress(PKCS11Error):
            for key in objects_left(self._session, {Attribute.CLASS: self._kind}):
                with contextlib.suppress(*GONE):
                    cka_id = bytes(key[Attribute.ID])
                    listed[cka_id] = None if cka_id in listed else key
        for cka_id, found in listed.items():
            self.hold(cka_id, found)

    def hold(self, cka_id: bytes, key: Object | None) -> None:
        """Keep a handle; None for a CKA_ID that two keys carry."""
        if len(self._handles) >= _HANDLES_MOST:
            self._handles.pop(next(iter(self._handles)))
        self._handles[cka_id] = key

    def drop(self, cka_id: bytes) -> None:
        """Forget a handle."""
        self._handles.pop(cka_id, None)

    def ambiguous_ids(self) -> list[bytes]:
        """CKA_IDs that more than one key carries, as far as they have been listed."""
        return [cka_id for cka_id, key in self._handles.items() if key is None]
