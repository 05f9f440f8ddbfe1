"""The OCSP signer as the store has it: the keeper renews its certificate while others use it."""

import time
from typing import Final

from signerd.ca.sign_ocsp import OcspSigner
from signerd.core.error import Internal
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey
from signerd.pki.ocsp import OcspResponder
from signerd.store.database import Database
from signerd.store.system_key import SqlSystemKeyStore

_LOOK_S: Final = 10.0


class CurrentOcspSigner:
    """Looks for a renewed certificate every few seconds."""

    def __init__(self, database: Database) -> None:
        self._keys = SqlSystemKeyStore(database)
        self._signer: OcspSigner | None = None
        self._look_at = 0.0

    async def __call__(self) -> OcspSigner:
        """The signer. Raises Internal (OCSP_SIGNER_MISSING), StoreUnavailable."""
        if self._signer is None or self._look_at <= time.monotonic():
            found = (await self._keys.get_system_keys()).get(SystemKeyRole.OCSP)
            self._signer = self._read(found)
            self._look_at = time.monotonic() + _LOOK_S
        return self._signer

    def _read(self, found: SystemKey | None) -> OcspSigner:
        if found is None or not found.certificate:
            raise Internal(
                "the store has no key for OCSP; run `signerd init`", reason="OCSP_SIGNER_MISSING"
            )
        known = self._signer
        if known is not None and known.responder.certificate == found.certificate:
            return known
        return OcspSigner(found.key, OcspResponder(found.certificate, found.algorithm))
