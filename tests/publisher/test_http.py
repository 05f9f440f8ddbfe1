"""What HTTP promises: types, lengths, caching, methods."""

import base64
import re
from email.utils import parsedate_to_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from signerd.publisher import path
from signerd_client import Client
from tests.publisher.relying_party import OCSP_RESPONSE, RelyingParty
from tests.publisher.test_crl import issue
from tests.publisher.test_ocsp import read

_TYPES = {
    path.ISSUING_CRL: "application/pkix-crl",
    path.ISSUING_DELTA_CRL: "application/pkix-crl",
    path.ROOT_CRL: "application/pkix-crl",
    path.ISSUING_CERTIFICATE: "application/pkix-cert",
    path.ROOT_CERTIFICATE: "application/pkix-cert",
    path.PEM_CHAIN: "application/pem-certificate-chain",
    path.CMS_CHAIN: "application/pkcs7-mime",
}


@pytest.mark.parametrize("place", _TYPES)
def test_what_lies_there_has_its_type_and_may_be_kept(place: str, party: RelyingParty) -> None:
    """HEAD says the same as GET, an asker that has it is told so, and nothing names our version."""
    found = party.ask(place)
    assert (found.status, found.headers["content-type"]) == (200, _TYPES[place])
    assert int(found.headers["content-length"]) == len(found.body) > 0
    assert found.headers["server"] == "signerd"
    head = party.ask(place, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == found.headers["content-length"]
    known = {"If-None-Match": found.headers["etag"]}
    since = {"If-Modified-Since": found.headers["last-modified"]}
    for condition in (known, since):
        again = party.ask(place, headers=condition)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == found.headers["etag"]
    for condition in (
        {"If-None-Match": '"other"', **since},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        assert party.ask(place, headers=condition).body == found.body


def test_caching_follows_the_times_in_the_crl(party: RelyingParty) -> None:
    """RFC 5019, 6.2: Last-Modified and Expires are thisUpdate and nextUpdate; max-age is short,
    since a CRL that a cache keeps hides the next one."""
    found = party.ask(path.ISSUING_CRL)
    crl = x509.load_der_x509_crl(found.body)
    assert parsedate_to_datetime(found.headers["last-modified"]) == crl.last_update_utc
    assert parsedate_to_datetime(found.headers["expires"]) == crl.next_update_utc
    directives = found.headers["cache-control"]
    assert directives == "max-age=60, public, no-transform, must-revalidate"


def test_caching_follows_the_times_in_a_response(officer: Client, party: RelyingParty) -> None:
    """The same for OCSP, whose GET any proxy can answer."""
    request = party.ocsp_request(issue(officer).der, "-no_nonce")
    found = party.get_ocsp(request)
    response = read(found)
    assert parsedate_to_datetime(found.headers["last-modified"]) == response.this_update_utc
    assert response.next_update_utc == parsedate_to_datetime(found.headers["expires"])
    assert re.match(r"max-age=\d+, public", found.headers["cache-control"])


def test_the_chain_is_whole(party: RelyingParty) -> None:
    """Issuing CA and root, in PEM and in CMS, are the single certificates."""
    single = [
        x509.load_der_x509_certificate(party.ask(place).body)
        for place in (path.ISSUING_CERTIFICATE, path.ROOT_CERTIFICATE)
    ]
    assert x509.load_pem_x509_certificates(party.ask(path.PEM_CHAIN).body) == single
    bundle = pkcs7.load_der_pkcs7_certificates(party.ask(path.CMS_CHAIN).body)
    assert {one.public_bytes(Encoding.DER) for one in bundle} == {
        one.public_bytes(Encoding.DER) for one in single
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("place", [path.ISSUING_CRL, path.ISSUING_CERTIFICATE, path.HEALTH])
def test_nothing_can_be_changed(method: str, place: str, party: RelyingParty) -> None:
    """405 says what is allowed."""
    refused = party.ask(place, method, b"")
    assert refused.status == 405
    assert set(refused.headers["allow"].split(",")) == {"GET", "HEAD"}


def test_ocsp_takes_no_other_method(party: RelyingParty) -> None:
    """And a GET needs a request in its path."""
    assert party.ask("/ocsp", "PUT", b"").status == 405
    assert party.ask("/ocsp").status == 405
    assert party.ask("/ocsp/").status == 404


@pytest.mark.parametrize("place", ["/", "/crl/", "/crl/other.crl", "/../signerd.db", "/ca/%2e%2e"])
def test_there_is_nothing_else(place: str, party: RelyingParty) -> None:
    """404, without a word about the inside."""
    refused = party.ask(place)
    assert refused.status == 404
    assert b"aiohttp" not in refused.body
    assert "python" not in str(refused.headers).lower()


def test_health_is_told_and_not_kept(party: RelyingParty) -> None:
    """For load balancers."""
    found = party.ask(path.HEALTH)
    assert (found.status, found.body) == (200, b"ok\n")
    assert found.headers["cache-control"] == "no-store"


def test_a_response_in_a_path_that_begins_with_a_slash_is_the_same(
    officer: Client, party: RelyingParty
) -> None:
    """Some clients double the slash before the request."""
    request = base64.b64encode(party.ocsp_request(issue(officer).der, "-no_nonce")).decode()
    for place in (f"/ocsp/{request}", f"/ocsp//{request}"):
        assert party.ask(place).headers["content-type"] == OCSP_RESPONSE
        assert len(party.ask(place).body) > 100
