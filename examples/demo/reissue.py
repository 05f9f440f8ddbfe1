"""Reissues certificates and shows that the old ones are worth nothing any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from examples.demo.openssl import OpensslVerifier
from examples.private_daemon import PrivateDaemon
from signerd_client import (
    Certificate,
    CertificateState,
    Client,
    Reissued,
    RevocationReason,
)
from signerd_client.error import FailedPrecondition

_MOST_CONNECTIONS: Final = 200
_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Which fronts refused which old credentials. fronts: process ids that were asked."""

    fronts: frozenset[int]
    refused_by: dict[str, set[int]]

    @property
    def refused_by_all(self) -> list[str]:
        """Credentials that every front refused."""
        return [name for name, by in self.refused_by.items() if by == self.fronts]


def reissue(client: Client, certificates: Iterable[Certificate]) -> list[Reissued]:
    """Reissue each."""
    return [client.reissue_certificate(certificate.name) for certificate in certificates]


def ask_every_front(daemon: PrivateDaemon, credentials: Sequence[str]) -> Refusals:
    """Try to sign with each credential at each front.

    The kernel chooses the front of a connection, so new connections are made until every front
    has been met; who answers is asked on the same connection.
    """
    fronts = frozenset(process.pid for process in daemon.processes("front"))
    refused_by: dict[str, set[int]] = {credential: set() for credential in credentials}
    met: set[int] = set()
    for _ in range(_MOST_CONNECTIONS):
        if met >= fronts:
            break
        with Client(daemon.target("signer")) as client:
            front = client.server_info().process_id
            if front not in met:
                met.add(front)
                for credential in credentials:
                    if _is_refused(client, credential):
                        refused_by[credential].add(front)
    return Refusals(fronts, refused_by)


def is_superseded(client: Client, reissued: Reissued) -> bool:
    """True when the daemon's records show the old certificate revoked in favour of the new."""
    old = client.get_certificate(reissued.replaced.name)
    new = client.get_certificate(reissued.certificate.name)
    return (
        old.state is CertificateState.REVOKED
        and old.revocation is not None
        and old.revocation.reason is RevocationReason.SUPERSEDED
        and old.replaced_by == new.name
        and new.state is CertificateState.ACTIVE
        and new.replaces == old.name
    )


def keeps_the_expiry(openssl: OpensslVerifier, reissued: Reissued) -> bool:
    """True when the new certificate ends when the old would have, by API and by openssl, and is
    for another key."""
    old, new = reissued.replaced, reissued.certificate
    return (
        openssl.end_date(old) == openssl.end_date(new) == new.not_after_time == old.not_after_time
        and old.credential != new.credential
    )


def _is_refused(client: Client, credential: str) -> bool:
    try:
        client.sign(credential, digest=_DIGEST)
    except FailedPrecondition as error:
        return error.reason == "CREDENTIAL_RETIRED"
    return False
