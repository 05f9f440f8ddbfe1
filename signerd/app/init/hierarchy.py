"""The daemon's own keys on the authority token: those of root, issuing CA, OCSP signer,
time-stamping authority and audit signer with their certificates, the probe key that health checks
sign with, and the secret keys."""

import json
import os
import secrets
from dataclasses import replace
from pathlib import Path

from signerd.app.init.token import authority_token, require_no_export
from signerd.app.service_location import time_stamper_locations
from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.ocsp_signer import audit_signer_name, ocsp_signer_name, time_stamper_name
from signerd.config.settings import Settings
from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock
from signerd.core.lifecycle import SystemKeyRole, TokenPurpose
from signerd.core.record import SystemKey, SystemSecret, TokenRecord
from signerd.core.value import KeyRef, TokenRef, serial_from
from signerd.pki.assembly import PreparedCertificate
from signerd.pki.authority import AuthorityName, prepare_issuing, prepare_root
from signerd.pki.issuer import IssuerInfo
from signerd.pki.service_certificate import (
    prepare_audit_signer,
    prepare_ocsp_signer,
    prepare_time_stamping,
)
from signerd.publisher.path import ROOT_CERTIFICATE, ROOT_CRL
from signerd.store.database import Database
from signerd.store.system_key import SqlSystemKeyStore
from signerd.store.token_registry import SqlTokenRegistry
from signerd.tokens.token_set import TokenSet

_PROBE_ALGORITHM = KeyAlgorithm.RSA_2048_PKCS1_SHA256
_SECRETS = {
    SystemKeyRole.SEAL: SecretAlgorithm.AES_256_GCM,
    SystemKeyRole.INDEX: SecretAlgorithm.HMAC_SHA256,
}
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
        self._probed: set[TokenRef] = set()

    async def provide(self) -> bool:
        """Make the hierarchy; False when it is there. Raises BootError."""
        store = SqlSystemKeyStore(self._database)
        if await store.get_system_keys():
            self._unfinished.forget()
            return False
        token = authority_token(self._tokens)
        self._probe(token)
        self._clear(token_keys=[key.cka_id for key in self._tokens.list_keys(token)])
        ids = {role: secrets.token_bytes(16) for role in SystemKeyRole}
        self._unfinished.remember(list(ids.values()))
        refs = {role: KeyRef(token, cka_id) for role, cka_id in ids.items()}
        keys: list[SystemKey | SystemSecret] = [*self._make_pairs(refs), *self._make_secrets(refs)]
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
                    self._probe(ref)
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

    def _probe(self, token: TokenRef) -> None:
        """Once: it takes a third of a second."""
        if token not in self._probed:
            require_no_export(self._tokens.session_of(token))
            self._probed.add(token)

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

    def _make_pairs(self, refs: dict[SystemKeyRole, KeyRef]) -> list[SystemKey]:
        settings = self._settings.authority
        root = self._pair(SystemKeyRole.ROOT, refs, settings.algorithm)
        root = replace(root, certificate=self._root(root))
        above = IssuerInfo(_certificate_of(root), root.algorithm)
        issuing = self._pair(SystemKeyRole.ISSUING, refs, settings.algorithm)
        issuing = replace(issuing, certificate=self._issuing(issuing, root, above))
        ocsp = self._pair(SystemKeyRole.OCSP, refs, settings.ocsp_algorithm)
        ocsp = replace(ocsp, certificate=self._ocsp_signer(ocsp, issuing))
        stamper = self._pair(SystemKeyRole.TIMESTAMP, refs, self._settings.timestamping.algorithm)
        stamper = replace(stamper, certificate=self._time_stamper(stamper, issuing))
        audit = self._pair(SystemKeyRole.AUDIT, refs, self._settings.audit.algorithm)
        audit = replace(audit, certificate=self._audit_signer(audit, issuing))
        probe = self._pair(SystemKeyRole.PROBE, refs, _PROBE_ALGORITHM)
        return [root, issuing, ocsp, stamper, audit, probe]

    def _make_secrets(self, refs: dict[SystemKeyRole, KeyRef]) -> list[SystemSecret]:
        return [
            SystemSecret(
                role, refs[role], algorithm, self._tokens.generate_secret(refs[role], algorithm)
            )
            for role, algorithm in _SECRETS.items()
        ]

    def _pair(
        self, role: SystemKeyRole, refs: dict[SystemKeyRole, KeyRef], algorithm: KeyAlgorithm
    ) -> SystemKey:
        made = self._tokens.generate_key(refs[role], algorithm)
        return SystemKey(role, refs[role], algorithm, made.spki, None, made.origin)

    def _root(self, root: SystemKey) -> bytes:
        names = self._settings.authority
        prepared = prepare_root(
            AuthorityName(names.country, names.organization, names.root_common_name),
            root.algorithm,
            spki=root.spki,
            serial=_new_serial(),
            now_utc=self._clock.now(),
            years=names.root_years,
        )
        return self._sign(prepared, root)

    def _issuing(self, issuing: SystemKey, root: SystemKey, above: IssuerInfo) -> bytes:
        names, publisher = self._settings.authority, self._settings.publisher
        prepared = prepare_issuing(
            AuthorityName(names.country, names.organization, names.issuing_common_name),
            issuing.algorithm,
            above,
            spki=issuing.spki,
            serial=_new_serial(),
            now_utc=self._clock.now(),
            years=names.issuing_years,
            crl_uri=publisher.url + ROOT_CRL if publisher.enabled else "",
            root_uri=publisher.url + ROOT_CERTIFICATE if publisher.enabled else "",
        )
        return self._sign(prepared, root)

    def _ocsp_signer(self, ocsp: SystemKey, issuing: SystemKey) -> bytes:
        settings = self._settings.authority
        prepared = prepare_ocsp_signer(
            IssuerInfo(_certificate_of(issuing), issuing.algorithm),
            ocsp.algorithm,
            spki=ocsp.spki,
            serial=_new_serial(),
            now_utc=self._clock.now(),
            days=settings.ocsp_days,
            name=ocsp_signer_name(settings.issuing_common_name),
        )
        return self._sign(prepared, issuing)

    def _time_stamper(self, stamper: SystemKey, issuing: SystemKey) -> bytes:
        settings = self._settings
        prepared = prepare_time_stamping(
            IssuerInfo(_certificate_of(issuing), issuing.algorithm),
            stamper.algorithm,
            spki=stamper.spki,
            serial=_new_serial(),
            now_utc=self._clock.now(),
            days=settings.timestamping.days,
            name=time_stamper_name(settings.authority.issuing_common_name),
            **time_stamper_locations(settings),
        )
        return self._sign(prepared, issuing)

    def _audit_signer(self, audit: SystemKey, issuing: SystemKey) -> bytes:
        prepared = prepare_audit_signer(
            IssuerInfo(_certificate_of(issuing), issuing.algorithm),
            audit.algorithm,
            spki=audit.spki,
            serial=_new_serial(),
            now_utc=self._clock.now(),
            name=audit_signer_name(self._settings.authority.issuing_common_name),
        )
        return self._sign(prepared, issuing)

    def _sign(self, prepared: PreparedCertificate, signer: SystemKey) -> bytes:
        signature = self._tokens.sign(signer.key, signer.algorithm, prepared.message)
        return prepared.assemble(signature)

    def _event(self, keys: list[SystemKey | SystemSecret]) -> AuditEvent:
        details = {f"{key.role.value.lower()}_key": key.key.cka_id.hex() for key in keys}
        return AuditEvent(
            EventKind.AUTHORITY_CREATED, self._clock.now(), INIT, "authority", "", details
        )


def _new_serial() -> int:
    return serial_from(secrets.token_bytes(20))


def _certificate_of(key: SystemKey) -> bytes:
    if key.certificate is None:
        raise ValueError(f"{key.role} has no certificate")
    return key.certificate
