"""Request ids: the same call twice has one effect."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from signerd.core.error import Conflict, Interrupted
from signerd.core.record import Answer, RequestKey
from signerd.core.value import CertificateId, IssuanceId
from signerd.store.schema import requests


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What an earlier call with the same request id made or changed: at most one of the two;
    neither, and it was what the call names. answer: sealed, where it is remembered."""

    issuance: IssuanceId | None
    certificate: CertificateId | None
    answer: bytes | None


def find_request(connection: Connection, request: RequestKey) -> KnownRequest | None:
    """The earlier call. Raises Conflict (REQUEST_ID_REUSED) when its content was another."""
    row = connection.execute(
        select(
            requests.c.content_sha256,
            requests.c.issuance_id,
            requests.c.certificate_id,
            requests.c.answer,
        ).where(
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
    return KnownRequest(row.issuance_id, row.certificate_id, row.answer)


def remember_request(
    connection: Connection,
    request: RequestKey,
    now_utc: datetime,
    *,
    issuance: IssuanceId | None = None,
    certificate: CertificateId | None = None,
    answer: bytes | None = None,
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
            answer=answer,
            created_utc=now_utc,
        )
    )


def remember_answer(connection: Connection, answer: Answer, now_utc: datetime) -> None:
    """Keep what a call is answered. Raises Interrupted when it was answered by now, and Conflict
    (REQUEST_ID_REUSED)."""
    if find_request(connection, answer.request) is not None:
        raise Interrupted(
            "the same call was answered at this moment; repeat it to get the answer",
            retry_after_s=0.1,
        )
    remember_request(connection, answer.request, now_utc, answer=answer.sealed)
