"""The principal behind a connection."""

from collections.abc import Iterable, Mapping

from signerd.core.error import Unauthenticated
from signerd.transport.caller import LOCAL_OPERATOR


def principal_of(peer: str, auth: Mapping[str, Iterable[bytes]]) -> str:
    """The principal: `uri:…` or `dns:…` from the subjectAltName of the client certificate that
    TLS has verified, or the local operator on the Unix socket, whose directory only the daemon's
    user can enter.

    peer and auth are what gRPC says of the connection. Exactly one URI names the caller (as in
    SPIFFE), or, without a URI, exactly one DNS name. Raises Unauthenticated.
    """
    if peer.startswith("unix:"):
        return LOCAL_OPERATOR
    uris = list(auth.get("peer_uri", ()))
    names = list(auth.get("peer_dns", ()))
    if len(uris) == 1:
        return f"uri:{uris[0].decode()}"
    if not uris and len(names) == 1:
        return f"dns:{names[0].decode().lower()}"
    raise Unauthenticated(
        "the client certificate must name exactly one URI (or, without a URI, one DNS name) in "
        "its subjectAltName; ask for a certificate that does",
        reason="CERTIFICATE_NAMES_NO_PRINCIPAL",
    )
