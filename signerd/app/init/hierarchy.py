"""The CA hierarchy: root and issuing CA, each with its own key on the authority token, and the
probe key that health checks sign with."""

import json
import os
import secrets
from pathlib import Path

from signerd.app.init.token import authority_token, require_no_export
from signerd.audit.event import AuditEvent, EventKind
from signerd.config.settings import Settings
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock
from signerd.core.lifecycle import SystemKeyRole, TokenPurpose
from signerd.core.record import SystemKey, TokenRecord
from signerd.core.value import KeyRef, serial_from
from signerd.pki.assembly import PreparedCertificate, assemble, message_to_sign
from signerd.pki.authority import AuthorityName, prepare_issuing, prepare_root
from signerd.pki.issuer import IssuerInfo
from signerd.store.database import Database
from signerd.store.system_key import SqlSystemKeyStore
from signerd.store.token_registry import SqlTokenRegistry
from signerd.tokens.token_set import TokenSet

_PROBE_ALGORITHM = KeyAlgorithm.RSA_2048_PKCS1_SHA256
_MARKER = "init.unfinished"
INIT = "local:init"


class UnfinishedInit:
    """The keys an init was making when it died; only these may be destroyed by the next one."""

    def __init__(self, state: Path) -> None:
        self._path = state / _MARKER

    def remember(self, cka_ids: list[bytes]) -> None:
        """Durably, before the first key is made."""
        with self._path.open("w") as file:
            json.dump([cka_id.hex() for cka_id in cka_ids], file)
            file.flush()
            os.fsync(file.fileno())

    def recall(self) -> list[bytes]:
        """What an earlier init left behind."""
        if not self._path.exists():
            return []
        return [bytes.fromhex(text) for text in json.loads(self._path.read_text() or "[]")]

    def forget(self) -> None:
        """The keys are in the store."""
        self._path.unlink(missing_ok=True)


class HierarchyMaker:
    """Makes the keys and certificates and stores them, once."""

    def __init__(
        self, settings: Settings, tokens: TokenSet, database: Database, clock: Clock
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._database = database
        self._clock = clock
        self._unfinished = UnfinishedInit(settings.server.state_directory)

    async def provide(self) -> bool:
        """Make the hierarchy; False when it is there. Raises BootError."""
        store = SqlSystemKeyStore(self._database)
        if await store.get_system_keys():
            self._unfinished.forget()
            return False
        token = authority_token(self._tokens)
        require_no_export(self._tokens.session_of(token))
        self._clear(token_keys=[key.cka_id for key in self._tokens.list_keys(token)])
        roles = (SystemKeyRole.ROOT, SystemKeyRole.ISSUING, SystemKeyRole.PROBE)
        ids = {role: secrets.token_bytes(16) for role in roles}
        self._unfinished.remember(list(ids.values()))
        keys = self._make({role: KeyRef(token, cka_id) for role, cka_id in ids.items()})
        await store.save_system_keys(keys, self._event(keys))
        self._unfinished.forget()
        return True

    async def register_tokens(self) -> None:
        """Put the open tokens into the registry."""
        registry = SqlTokenRegistry(self._database)
        capacity = self._settings.tokens.subscribers.capacity
        known = {record.token for record in await registry.list_tokens()}
        for purpose in TokenPurpose:
            is_pool = purpose is TokenPurpose.SUBSCRIBER
            refs = sorted(self._tokens.open_tokens(purpose), key=lambda ref: ref.label)
            for ref in refs:
                if ref not in known:
                    require_no_export(self._tokens.session_of(ref))
                    await registry.register_token(
                        TokenRecord(ref, purpose, capacity if is_pool else 0),
                        AuditEvent(
                            EventKind.TOKEN_ADDED,
                            self._clock.now(),
                            INIT,
                            f"tokens/{ref.label}",
                            "",
                            {"serial": ref.serial, "purpose": purpose.value},
                        ),
                    )

    def _clear(self, *, token_keys: list[bytes]) -> None:
        """Destroy what a crashed init left; anything else on the token is somebody's CA."""
        left = set(self._unfinished.recall())
        foreign = [cka_id for cka_id in token_keys if cka_id not in left]
        if foreign:
            raise BootError(
                ExitCode.TOKEN_MISSING,
                f"the authority token holds {len(foreign)} keys that this database does not know: "
                "restore the database that belongs to it, or name an empty token",
            )
        token = authority_token(self._tokens)
        for cka_id in left:
            self._tokens.destroy_key(KeyRef(token, cka_id))

    def _make(self, refs: dict[SystemKeyRole, KeyRef]) -> list[SystemKey]:
        root, issuing, probe = (
            refs[role] for role in (SystemKeyRole.ROOT, SystemKeyRole.ISSUING, SystemKeyRole.PROBE)
        )
        algorithm = KeyAlgorithm(self._settings.authority.algorithm)
        spki = {
            root: self._tokens.generate_key(root, algorithm).spki,
            issuing: self._tokens.generate_key(issuing, algorithm).spki,
            probe: self._tokens.generate_key(probe, _PROBE_ALGORITHM).spki,
        }
        root_der = self._root(root, algorithm, spki[root])
        above = IssuerInfo(root_der, algorithm)
        issuing_der = self._issuing(root, above, algorithm, spki[issuing])
        return [
            SystemKey(SystemKeyRole.ROOT, root, algorithm, spki[root], root_der),
            SystemKey(SystemKeyRole.ISSUING, issuing, algorithm, spki[issuing], issuing_der),
            SystemKey(SystemKeyRole.PROBE, probe, _PROBE_ALGORITHM, spki[probe], None),
        ]

    def _root(self, key: KeyRef, algorithm: KeyAlgorithm, spki: bytes) -> bytes:
        names = self._settings.authority
        prepared = prepare_root(
            AuthorityName(names.country, names.organization, names.root_common_name),
            algorithm,
            spki=spki,
            serial=serial_from(secrets.token_bytes(20)),
            now_utc=self._clock.now(),
            years=names.root_years,
        )
        return self._sign(prepared, key, algorithm, spki)

    def _issuing(
        self, root: KeyRef, above: IssuerInfo, algorithm: KeyAlgorithm, spki: bytes
    ) -> bytes:
        names = self._settings.authority
        prepared = prepare_issuing(
            AuthorityName(names.country, names.organization, names.issuing_common_name),
            algorithm,
            above,
            spki=spki,
            serial=serial_from(secrets.token_bytes(20)),
            now_utc=self._clock.now(),
            years=names.issuing_years,
        )
        return self._sign(prepared, root, above.algorithm, above.spki)

    def _sign(
        self, prepared: PreparedCertificate, key: KeyRef, algorithm: KeyAlgorithm, spki: bytes
    ) -> bytes:
        signature = self._tokens.sign(key, algorithm, message_to_sign(prepared.tbs, algorithm))
        return assemble(prepared.tbs, algorithm, spki, signature)

    def _event(self, keys: list[SystemKey]) -> AuditEvent:
        details = {f"{key.role.value.lower()}_key": key.key.cka_id.hex() for key in keys}
        return AuditEvent(
            EventKind.AUTHORITY_CREATED, self._clock.now(), INIT, "authority", "", details
        )
