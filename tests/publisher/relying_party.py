"""A relying party: plain HTTP, and openssl as judge."""

import base64
import http.client
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from signerd_client.certificate import pem_encode

_LIMIT_S = 60.0
OCSP_REQUEST = "application/ocsp-request"
OCSP_RESPONSE = "application/ocsp-response"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Knows the publisher's address, and keeps its files in a directory."""

    url: str
    directory: Path

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """One exchange on a connection of its own."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_LIMIT_S)
        try:
            connection.request(method, path, body, dict(headers))
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, named, found.read())
        finally:
            connection.close()

    def crl(self, name: str = "issuing") -> bytes:
        """A CRL, DER."""
        found = self.ask(f"/crl/{name}.crl")
        assert found.status == 200, found
        return found.body

    def ask_ocsp(self, request: bytes) -> Answer:
        """By POST."""
        return self.ask("/ocsp", "POST", request, {"Content-Type": OCSP_REQUEST})

    def get_ocsp(self, request: bytes) -> Answer:
        """By GET."""
        return self.ask("/ocsp/" + quote(base64.b64encode(request).decode(), safe=""))

    def save(self, name: str, der: bytes, label: str = "CERTIFICATE") -> Path:
        """A PEM file."""
        file = self.directory / f"{name}.pem"
        file.write_text(pem_encode(label, der))
        return file

    def chain(self) -> tuple[Path, Path]:
        """Issuing CA and root, as the publisher gives them."""
        return tuple(  # type: ignore[return-value] # two
            self.save(name, self.ask(f"/ca/{name}.cer").body) for name in ("issuing", "root")
        )

    def verify(self, leaf: bytes, *, with_delta: bool = False, full: bytes | None = None) -> str:
        """`openssl verify -crl_check_all` with CRLs fetched now, or with an older full one."""
        issuing, root = self.chain()
        crls = [full or self.crl(), self.crl("root")]
        if with_delta:
            crls.append(self.crl("issuing-delta"))
        files = [self.save(f"crl{n}", der, "X509 CRL") for n, der in enumerate(crls)]
        options = ["-use_deltas", "-extended_crl"] if with_delta else []
        return run(
            *("openssl", "verify", "-crl_check_all", *options, "-CAfile", root),
            *("-untrusted", issuing),
            *(part for file in files for part in ("-CRLfile", file)),
            self.save("leaf", leaf),
        )

    def ocsp_request(self, leaf: bytes | int, *options: str) -> bytes:
        """A request of openssl about a certificate (DER) or a serial number."""
        issuing, _ = self.chain()
        asked = (
            ("-serial", hex(leaf)) if isinstance(leaf, int) else ("-cert", self.save("leaf", leaf))
        )
        file = self.directory / "request.der"
        run("openssl", "ocsp", *options, "-issuer", issuing, *asked, "-reqout", file)
        return file.read_bytes()

    def openssl_ocsp(self, leaf: bytes, *options: str) -> str:
        """`openssl ocsp -url`: asks and verifies; trusts the root alone."""
        issuing, root = self.chain()
        return run(
            *("openssl", "ocsp", *options, "-issuer", issuing, "-cert", self.save("leaf", leaf)),
            *("-url", self.url + "/ocsp", "-CAfile", root, "-verify_other", issuing),
        )


def run(*arguments: object) -> str:
    """Everything a program says."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        check=False,
        timeout=_LIMIT_S,
    )
    # openssl writes BMPStrings as they are, which is no UTF-8.
    return (done.stdout + done.stderr).decode(errors="backslashreplace")
