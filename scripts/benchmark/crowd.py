"""A database with many certificates, without making their keys: rows like one that was issued."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

_AT_ONCE: Final = 2_000
_YEAR_US: Final = 365 * 86_400 * 1_000_000


def add_certificates(database: Path, certificates: int, revoked: int, now_us: int) -> None:
    """Copy the first certificate under fresh serial numbers; the daemon must not run.

    The first ones are revoked. Each has an OCSP response of the usual size that is no response,
    so that the keeper has nothing to sign ahead for them. now_us: microseconds since 1970.
    """
    with closing(sqlite3.connect(database)) as store, store:
        store.row_factory = sqlite3.Row
        pattern = dict(store.execute("SELECT * FROM certificates LIMIT 1").fetchone())
        rows = _rows(pattern, certificates, revoked, now_us)
        for chunk in rows:
            columns = ", ".join(chunk[0])
            marks = ", ".join(f":{name}" for name in chunk[0])
            store.executemany(f"INSERT INTO certificates ({columns}) VALUES ({marks})", chunk)  # noqa: S608 - names of our own columns
            store.executemany(
                "INSERT INTO ocsp_responses VALUES (:certificate_id, :state, :now, :until, :der)",
                [_response(row, now_us) for row in chunk],
            )


def count_responses(database: Path, certificate_ids: list[str]) -> int:
    """For how many of these a response was signed ahead."""
    marks = ", ".join("?" for _ in certificate_ids)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        sql = f"SELECT count(*) FROM ocsp_responses WHERE certificate_id IN ({marks})"  # noqa: S608 - question marks
        found: int = store.execute(sql, certificate_ids).fetchone()[0]
        return found


def _rows(
    pattern: dict[str, Any], certificates: int, revoked: int, now_us: int
) -> Iterator[list[dict[str, Any]]]:
    chunk = []
    for number in range(certificates):
        row = pattern | {
            # A serial number has 159 bits of which the first is set.
            "certificate_id": f"{secrets.randbits(158) | 1 << 158:x}",
            "credential_id": None,
            "replaces": None,
        }
        if number < revoked:
            row |= {
                "state": "REVOKED",
                "revoked_utc": now_us - number * 1_000_000,
                "revocation_reason": number % 6 if number % 6 != 2 else 0,  # noqa: PLR2004 - there is no reason 2 for end entities
                "crl_number": 1,
            }
        chunk.append(row)
        if len(chunk) == _AT_ONCE or number == certificates - 1:
            yield chunk
            chunk = []


def _response(row: dict[str, Any], now_us: int) -> dict[str, Any]:
    return {
        "certificate_id": row["certificate_id"],
        "state": row["state"],
        "now": now_us,
        "until": now_us + _YEAR_US,
        "der": bytes(1_700),
    }
