"""The record of signatures, on the path of every signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from signerd.audit.signature import SignatureRecord
from signerd.core.activation import AuthorisationUse
from signerd.core.error import NotFound, SignerdError, WrongState
from signerd.core.lifecycle import CredentialState
from signerd.core.record import CredentialRecord
from signerd.core.value import CertificateId, CredentialId
from signerd.store.authorisation_row import spend
from signerd.store.batch import Merger
from signerd.store.credential_row import SELECT_CREDENTIAL, credential_of
from signerd.store.database import Database
from signerd.store.event_row import EncodedEvent, encode
from signerd.store.hot import HotTransaction
from signerd.store.schema import certificates, credentials
from signerd.store.transaction import Transaction

# Shared with other processes that sign, exclusive with one that revokes. (SQLite, where a write
# transaction excludes all others, leaves it out.)
_SELECT_ACTIVE: Final = (
    select(credentials.c.credential_id)
    .where(
        credentials.c.credential_id.in_(bindparam("ids", expanding=True)),
        credentials.c.state == CredentialState.ACTIVE.value,
    )
    .with_for_update(read=True)
)
_successors: Final = certificates.alias("successors")
_SELECT_BARRED: Final = (
    select(
        credentials.c.credential_id,
        credentials.c.state,
        certificates.c.certificate_id,
        _successors.c.credential_id.label("successor"),
    )
    .select_from(
        credentials.join(
            certificates, certificates.c.credential_id == credentials.c.credential_id
        ).outerjoin(_successors, _successors.c.replaces == certificates.c.certificate_id)
    )
    .where(credentials.c.credential_id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class _Signatures:
    """What one event tells of."""

    credential_id: CredentialId
    event: EncodedEvent
    use: AuthorisationUse | None


@dataclass(frozen=True, slots=True)
class _Barred:
    """Why a credential does not sign. successor: of the certificate that replaced its own."""

    state: str
    certificate: CertificateId
    successor: CredentialId | None


class SqlSignatureStore:
    """`signerd.signing.ports.SignatureStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_credential(self, credential_id: CredentialId) -> CredentialRecord:
        """See the port."""
        return await self._database.read(
            lambda connection: _read_credential(connection, credential_id)
        )

    async def record_signatures(
        self, records: Sequence[SignatureRecord]
    ) -> list[SignerdError | None]:
        """See the port. Raises ValueError too, for an event that cannot be encoded."""
        # Encoded here: an event that cannot be must not fail the batch of all others.
        encoded = [
            _Signatures(record.credential, encode(record.event), record.use) for record in records
        ]
        if any(record.use is not None for record in records):
            # It counts, so it writes more than events, and is taken back by itself if it fails.
            return await self._database.write(
                lambda transaction: _record_all(transaction, [encoded])[0]
            )
        return await self._database.merge(_RECORD, encoded)


def _record_all(
    transaction: Transaction, calls: Sequence[Sequence[_Signatures]]
) -> list[list[SignerdError | None]]:
    """One look at all credentials concerned, whatever the number of calls and signatures."""
    ids = _ids(calls)
    found = transaction.connection.scalars(_SELECT_ACTIVE, {"ids": list(ids)})
    active = set(found)
    barred = _explain(transaction.connection, ids - active) if active != ids else {}

    def record(one: _Signatures) -> SignerdError | None:
        if one.credential_id not in active:
            return _refusal(one.credential_id, barred)
        if one.use is not None and (refusal := spend(transaction.connection, one.use)) is not None:
            return refusal
        transaction.record_encoded(one.event)
        return None

    return [[record(one) for one in call] for call in calls]


def _record_hot(
    transaction: HotTransaction, calls: Sequence[Sequence[_Signatures]]
) -> list[list[SignerdError | None]] | None:
    """The same, unless there is something to refuse."""
    ids = _ids(calls)
    if transaction.active(ids) != ids:
        return None
    for call in calls:
        for one in call:
            transaction.record_encoded(one.event)
    return [[None] * len(call) for call in calls]


_RECORD: Final[Merger[Sequence[_Signatures], list[SignerdError | None]]] = Merger(
    _record_all, _record_hot
)


def _ids(calls: Sequence[Sequence[_Signatures]]) -> set[CredentialId]:
    return {one.credential_id for call in calls for one in call}


def _explain(connection: Connection, ids: set[CredentialId]) -> dict[str, _Barred]:
    rows = connection.execute(_SELECT_BARRED, {"ids": list(ids)})
    return {
        row.credential_id: _Barred(row.state, row.certificate_id, row.successor) for row in rows
    }


def _refusal(credential_id: CredentialId, barred: dict[str, _Barred]) -> SignerdError:
    if credential_id not in barred:
        return _no_credential(credential_id)
    it = barred[credential_id]
    certificate, successor = it.certificate, it.successor
    if it.state == CredentialState.SUSPENDED.value:
        return WrongState(
            f"credential {credential_id}: its certificate {certificate} is suspended; its key "
            "signs again once the certificate is resumed",
            reason="CREDENTIAL_SUSPENDED",
            metadata={"certificate": certificate},
        )
    if successor is None:
        text = "was revoked; its key never signs again: use a credential of a valid certificate"
    else:
        text = f"was replaced; use the new credential {successor}"
    return WrongState(
        f"credential {credential_id}: its certificate {certificate} {text}",
        reason="CREDENTIAL_RETIRED",
        metadata={"certificate": certificate} | ({"credential": successor} if successor else {}),
    )


def _read_credential(connection: Connection, credential_id: CredentialId) -> CredentialRecord:
    row = connection.execute(
        SELECT_CREDENTIAL.where(credentials.c.credential_id == credential_id)
    ).one_or_none()
    # Without a certificate it is reserved, or was and came to nothing: no caller knows it.
    if row is None or row.certificate_id is None:
        raise _no_credential(credential_id)
    return credential_of(row)


def _no_credential(credential_id: CredentialId) -> NotFound:
    return NotFound(
        f"there is no credential {credential_id}; a certificate names the credential of its key"
    )
