"""Authorisations as rows, and their spending."""

from collections import Counter
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from signerd.core.activation import AuthorisationUse, SigningAuthorisation
from signerd.core.agreement_rule import count_new
from signerd.core.error import PermissionDenied, SignerdError
from signerd.store.schema import authorisation_uses, authorisations
from signerd.store.stored import decoded

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[bytes]).decode


def insert_authorisation(connection: Connection, record: SigningAuthorisation) -> None:
    """Store a new one."""
    digests = record.digests
    connection.execute(
        insert(authorisations).values(
            authorisation_id=record.authorisation_id,
            secret_sha256=record.secret_sha256,
            credential_id=record.credential,
            principal=record.principal,
            remaining=record.remaining,
            digests=None if digests is None else _encode(sorted(digests)).decode(),
            expires_utc=record.expires_utc,
        )
    )


def read_authorisation(
    connection: Connection, authorisation_id: str, *, for_update: bool = False
) -> SigningAuthorisation | None:
    """None where there is none. Raises StoreUnavailable (STORE_CORRUPT)."""
    query = select(authorisations).where(authorisations.c.authorisation_id == authorisation_id)
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    return None if row is None else _authorisation_of(row)


def read_counted(
    connection: Connection, authorisation_id: str, request_id: str
) -> dict[bytes, int]:
    """Signatures by digest that were counted of one call."""
    query = select(authorisation_uses.c.digest, authorisation_uses.c.signatures).where(
        authorisation_uses.c.authorisation_id == authorisation_id,
        authorisation_uses.c.request_id == request_id,
    )
    return {row.digest: row.signatures for row in connection.execute(query)}


def spend(connection: Connection, use: AuthorisationUse) -> SignerdError | None:
    """Count the signatures of a use; why not where they cannot be, and then none is."""
    found = read_authorisation(connection, use.authorisation_id, for_update=True)
    counted = read_counted(connection, use.authorisation_id, use.request_id)
    if found is None:
        return PermissionDenied(
            "the authorisation was withdrawn; ask the subscriber to agree again",
            reason="AUTHORISATION_INVALID",
        )
    try:
        new = count_new(found, counted, use)
    except SignerdError as error:
        return error
    connection.execute(
        update(authorisations)
        .where(authorisations.c.authorisation_id == use.authorisation_id)
        .values(remaining=authorisations.c.remaining - new)
    )
    for digest, count in Counter(use.digests).items():
        _count(connection, use, digest, count, counted.get(digest))
    return None


def _count(
    connection: Connection, use: AuthorisationUse, digest: bytes, count: int, before: int | None
) -> None:
    if before is None:
        connection.execute(
            insert(authorisation_uses).values(
                authorisation_id=use.authorisation_id,
                request_id=use.request_id,
                digest=digest,
                signatures=count,
            )
        )
    elif count > before:
        connection.execute(
            update(authorisation_uses)
            .where(
                authorisation_uses.c.authorisation_id == use.authorisation_id,
                authorisation_uses.c.request_id == use.request_id,
                authorisation_uses.c.digest == digest,
            )
            .values(signatures=count)
        )


def _authorisation_of(row: Row[Any]) -> SigningAuthorisation:
    with decoded(f"authorisation {row.authorisation_id}"):
        return SigningAuthorisation(
            authorisation_id=row.authorisation_id,
            secret_sha256=row.secret_sha256,
            credential=row.credential_id,
            principal=row.principal,
            remaining=row.remaining,
            digests=None if row.digests is None else frozenset(_decode(row.digests)),
            expires_utc=row.expires_utc,
        )
