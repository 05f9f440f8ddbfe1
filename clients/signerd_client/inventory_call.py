"""The calls of signerd.v1.CertificateAuthority that look at many certificates."""

from datetime import datetime
from typing import Final

from signerd.v1 import certificate_authority_pb2 as wire
from signerd_client.call import Call, Listing, Page, Watch, decoder
from signerd_client.certificate import (
    Certificate,
    CertificateState,
    certificate_from_wire,
    state_to_wire,
)
from signerd_client.inventory import (
    CertificateChange,
    CertificateCount,
    change_from_wire,
    count_from_wire,
)
from signerd_client.moment import timestamp_to_wire
from signerd_client.name import subscriber_name

_SERVICE: Final = "/signerd.v1.CertificateAuthority"


def list_certificates(
    *,
    subscriber: str = "",
    state: CertificateState | str | None = None,
    expire_time_from: datetime | None = None,
    expire_time_before: datetime | None = None,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Certificate]:
    """List certificates, newest first, over all pages, which are fetched as they are needed.

    Filters combine with "and"; times must be aware. timeout_s is the deadline of one page.
    """
    request = wire.ListCertificatesRequest(
        subscriber=subscriber_name(subscriber),
        state=state_to_wire(state),
        expire_time_from=timestamp_to_wire(expire_time_from),
        expire_time_before=timestamp_to_wire(expire_time_before),
        page_size=page_size,
    )
    decode = decoder(
        wire.ListCertificatesResponse,
        lambda answer: Page(
            tuple(certificate_from_wire(item) for item in answer.certificates),
            answer.next_page_token,
        ),
    )

    def page(token: str) -> Call[Page[Certificate]]:
        asked = wire.ListCertificatesRequest(page_token=token)
        asked.MergeFrom(request)
        payload = asked.SerializeToString()
        return Call(f"{_SERVICE}/ListCertificates", payload, decode, timeout_s)

    return Listing(page)


def count_certificates(
    *,
    expire_time_from: datetime | None = None,
    expire_time_before: datetime | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[CertificateCount, ...]]:
    """Count certificates: one count for each combination of state, profile, branch and month of
    expiry that occurs.

    Filters combine with "and"; times must be aware.
    """
    request = wire.CountCertificatesRequest(
        expire_time_from=timestamp_to_wire(expire_time_from),
        expire_time_before=timestamp_to_wire(expire_time_before),
    )
    return Call(
        f"{_SERVICE}/CountCertificates",
        request.SerializeToString(),
        decoder(
            wire.CountCertificatesResponse,
            lambda answer: tuple(count_from_wire(count) for count in answer.counts),
        ),
        timeout_s,
    )


def watch_certificates(
    *, subscriber: str = "", after_position: int = -1, timeout_s: float | None = None
) -> Watch[CertificateChange]:
    """Stream what happens to certificates, each with the certificate as it stands by then, until
    the caller stops or timeout_s has passed.

    after_position 0 begins with the first change, -1 with the next one to come. When the
    connection breaks the stream goes on after the last change that was given out, so that none
    comes twice and none is missed; only a stream begun with -1 may miss what happens while it is
    reconnecting before its first change.
    """
    owner = subscriber_name(subscriber)
    decode = decoder(wire.WatchCertificatesResponse, change_from_wire)

    def opening(last: CertificateChange | None) -> Call[CertificateChange]:
        position = after_position if last is None else last.position
        request = wire.WatchCertificatesRequest(subscriber=owner, after_position=position)
        payload = request.SerializeToString()
        return Call(f"{_SERVICE}/WatchCertificates", payload, decode, timeout_s)

    return Watch(opening)
