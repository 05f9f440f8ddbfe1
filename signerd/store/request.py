"""Request ids: the same call twice has one effect."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from signerd.core.error import Conflict
from signerd.core.record import RequestKey
from signerd.core.value import CertificateId, IssuanceId
from signerd.store.schema import requests


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What an earlier call with the same request id made or changed: at most one of the two;
    neither, and it was the subscriber whom the call names."""

    issuance: IssuanceId | None
    certificate: CertificateId | None


def find_request(connection: Connection, request: RequestKey) -> KnownRequest | None:
    """The earlier call. Raises Conflict (REQUEST_ID_REUSED) when its content was another."""
    row = connection.execute(
        select(requests.c.content_sha256, requests.c.issuance_id, requests.c.certificate_id).where(
            requests.c.principal == request.principal,
            requests.c.method == request.method,
            requests.c.request_id == request.request_id,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.content_sha256 != request.content_sha256:
        raise Conflict(
            f"request_id {request.request_id} was already used for a request with other content; "
            "choose a new one for a new request",
            reason="REQUEST_ID_REUSED",
            field="request_id",
        )
    return KnownRequest(row.issuance_id, row.certificate_id)


def remember_request(
    connection: Connection,
    request: RequestKey,
    now_utc: datetime,
    *,
    issuance: IssuanceId | None = None,
    certificate: CertificateId | None = None,
) -> None:
    """Keep a request id together with what the call made or changed."""
    connection.execute(
        insert(requests).values(
            principal=request.principal,
            method=request.method,
            request_id=request.request_id,
            content_sha256=request.content_sha256,
            issuance_id=issuance,
            certificate_id=certificate,
            created_utc=now_utc,
        )
    )
