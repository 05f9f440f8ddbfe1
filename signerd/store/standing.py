"""What signatures are judged by: certificates with all that ever happened to them."""

from sqlalchemy import Connection, select

from signerd.core.error import NotFound
from signerd.core.standing import CertificateHistory, SuspensionSpan
from signerd.core.value import CertificateId
from signerd.store.certificate_row import read_certificate
from signerd.store.database import Database
from signerd.store.schema import suspensions
from signerd.store.stored import decoded


class SqlStandingStore:
    """`signerd.signing.ports.StandingStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_history(self, certificate_id: CertificateId) -> CertificateHistory | None:
        """See the port."""
        return await self._database.read(
            lambda connection: _find_history(connection, certificate_id)
        )


def _find_history(
    connection: Connection, certificate_id: CertificateId
) -> CertificateHistory | None:
    try:
        record = read_certificate(connection, certificate_id)
    except NotFound:
        return None
    query = (
        select(suspensions.c.begin_utc, suspensions.c.end_utc)
        .where(suspensions.c.certificate_id == certificate_id)
        .order_by(suspensions.c.suspension_number)
    )
    with decoded(f"a suspension of certificate {certificate_id}"):
        spans = tuple(
            SuspensionSpan(row.begin_utc, row.end_utc) for row in connection.execute(query)
        )
    return CertificateHistory(record, spans)
