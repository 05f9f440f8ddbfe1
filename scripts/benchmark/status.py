"""What relying parties get when there are many certificates: CRLs, OCSP, and how soon."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from examples.private_daemon import PrivateDaemon
from scripts.benchmark.asking import AskLoad, ask
from scripts.benchmark.companion import run_together, start_in_turn
from scripts.benchmark.crowd import add_certificates, count_responses
from scripts.benchmark.load import LoadResult
from signerd_client import Certificate, Client, KeyAlgorithm, RevocationReason

_LIMIT_S: Final = 120.0
_ASKED_ABOUT: Final = 32


@dataclass(frozen=True, slots=True)
class CrlRate:
    """Making a full and a delta CRL. seconds: reading, encoding, signing twice, storing; the median
    of `made`. revoke: RevokeCertificate until its answer, and until the CRL that it named was
    there for relying parties."""

    certificates: int
    revoked: int
    made: int
    octets: int
    seconds: float
    revoke_p50_ms: float
    revoke_p99_ms: float
    in_crl_p50_s: float
    in_crl_most_s: float


@dataclass(frozen=True, slots=True)
class OcspRate:
    """way: "GET" for responses signed ahead, "POST" with a nonce for those signed on demand."""

    way: str
    askers: int
    responses: int
    errors: int
    rate_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class StatusPlan:
    """How much to measure. revocations: made one after another."""

    certificates: int
    revoked: int
    revocations: int
    askers: tuple[int, ...]
    duration_s: float


class StatusBenchmark:
    """Measures one daemon, to whose database certificates are added."""

    def __init__(self, daemon: PrivateDaemon, plan: StatusPlan) -> None:
        self._daemon = daemon
        self._plan = plan
        self._issued: list[Certificate] = []
        place = urlsplit(daemon.publisher_url)
        self._host, self._port = place.hostname or "", place.port or 0

    def prepare(self) -> None:
        """Issue those that are asked about or revoked, then add the others."""
        plan = self._plan
        with Client(self._daemon.target("ra-officer"), timeout_s=_LIMIT_S) as officer:
            for number in range(_ASKED_ABOUT + plan.revocations):
                self._issued.append(
                    officer.issue_certificate(
                        f"bench-{number}",
                        "personal",
                        "벤치마크",
                        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
                    )
                )
        self._daemon.stop()
        database = self._daemon.directory / "signerd.db"
        now_us = time.time_ns() // 1_000
        add_certificates(database, plan.certificates, plan.revoked, now_us)
        self._daemon.start()
        self._until(lambda: self._crl() is not None, "a CRL")
        ids = [certificate.name.rpartition("/")[2] for certificate in self._issued]
        self._until(lambda: count_responses(database, ids) == len(ids), "a response for each")

    def publish(self) -> CrlRate:
        """Revoke one after another and see each in a CRL."""
        latencies, in_crl = [], []
        with Client(self._daemon.target("ra-officer"), timeout_s=_LIMIT_S) as officer:
            for certificate in self._issued[_ASKED_ABOUT:]:
                begin = time.perf_counter()
                revoked = officer.revoke_certificate(
                    certificate.name, RevocationReason.KEY_COMPROMISE
                )
                latencies.append(time.perf_counter() - begin)
                self._until(lambda number=revoked.crl_number: self._number() >= number, "the CRL")  # type: ignore[misc]
                in_crl.append(time.perf_counter() - begin)
        revoking = _result(latencies)
        made = self._published()[-len(in_crl) :]
        seconds = sorted(entry["seconds"] for entry in made)
        return CrlRate(
            certificates=self._plan.certificates,
            revoked=self._plan.revoked,
            made=len(made),
            octets=int(made[-1]["octets"]),
            seconds=seconds[len(seconds) // 2],
            revoke_p50_ms=revoking.percentile_ms(50),
            revoke_p99_ms=revoking.percentile_ms(99),
            in_crl_p50_s=_result(in_crl).percentile_ms(50) / 1000,
            in_crl_most_s=max(in_crl),
        )

    def ask(self) -> Iterator[OcspRate]:
        """Both ways, with every number of askers."""
        with Client(self._daemon.target("ra-officer")) as officer:
            issuer = officer.get_ca_chain()[0]
        asked = [certificate.der for certificate in self._issued[:_ASKED_ABOUT]]
        for with_nonce in (False, True):
            for askers in self._plan.askers:
                load = AskLoad(
                    self._host,
                    self._port,
                    asked,
                    issuer,
                    with_nonce,
                    askers,
                    self._plan.duration_s,
                )
                [result] = run_together(start_in_turn(1, ask, load), load.duration_s + _LIMIT_S)
                yield OcspRate(
                    way="POST" if with_nonce else "GET",
                    askers=askers,
                    responses=len(result.latencies_s),
                    errors=sum(result.errors.values()),
                    rate_per_s=result.rate_per_s,
                    p50_ms=result.percentile_ms(50),
                    p99_ms=result.percentile_ms(99),
                )

    def _published(self) -> list[dict[str, float]]:
        lines = [line for line in self._daemon.log().splitlines() if '"crl.published"' in line]
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if entry["issuer"] == "issuing"]

    def _number(self) -> int:
        """cRLNumber of the CRL that is served."""
        crl = self._crl()
        if crl is None:
            return 0
        extensions = x509.load_der_x509_crl(crl).extensions
        return extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    def _crl(self) -> bytes | None:
        connection = HTTPConnection(self._host, self._port, timeout=_LIMIT_S)
        try:
            connection.request("GET", "/crl/issuing.crl")
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else None  # noqa: PLR2004 - OK of HTTP
        except OSError:
            return None
        finally:
            connection.close()

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _LIMIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not come within {_LIMIT_S:.0f} s")
            time.sleep(0.02)


def _result(latencies_s: list[float]) -> LoadResult:
    return LoadResult(sorted(latencies_s), 0, {}, sum(latencies_s), 0.0, [])
