"""Files of a run: whole after a kill at any byte."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signerd_client import Certificate, CertificateState, KeyAlgorithm
from signerd_harness.act import Standing
from signerd_harness.certificate_book import CertificateBook, every_certificate
from signerd_harness.crowd import Crowd
from signerd_harness.evidence import Evidence, EvidenceFile, EvidenceReader

_DAY = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def certificate() -> Callable[[int], Certificate]:
    """Certificates by number."""

    def make(number: int) -> Certificate:
        return Certificate(
            name=f"certificates/{number:040x}",
            subscriber="subscribers/someone",
            credential=f"credentials/{number:032x}",
            profile="personal",
            state=CertificateState.ACTIVE,
            serial_number=f"{number:x}",
            subject="CN=누군가",
            not_before_time=_DAY,
            not_after_time=_DAY,
            create_time=_DAY,
            key_algorithm=KeyAlgorithm.EC_P256_SHA256,
            der=bytes([number]) * 700,
            sha256_fingerprint="",
            revocation=None,
            replaces="",
            replaced_by="",
            key_group="",
            suspension=None,
            crl_number=0,
        )

    return make


def test_a_book_is_what_it_was_when_it_is_opened_again(
    tmp_path: Path, certificate: Callable[[int], Certificate]
) -> None:
    """Newest certificate, the one before it, and standing; of everybody who has one."""
    path = tmp_path / "book"
    with CertificateBook(path, 3) as book:
        book.keep(0, certificate(1), Standing.ACTIVE)
        book.keep(2, certificate(2), Standing.ACTIVE)
        book.keep(2, certificate(3), Standing.ACTIVE)
        book.put(0, Standing.SUSPENDED)
        before = [book.newest(2), book.before(2)]
    with CertificateBook(path, 3) as book:
        assert [book.standing(index) for index in range(3)] == [
            Standing.SUSPENDED,
            Standing.NONE,
            Standing.ACTIVE,
        ]
        assert [book.newest(2), book.before(2)] == before
        assert book.newest(0).name == certificate(1).name
        assert book.before(0) is None
        with pytest.raises(KeyError):
            book.newest(1)
    assert [index for index, _ in every_certificate(path)] == [0, 2, 2]
    assert [der[0] for _, der in every_certificate(path)] == [1, 2, 3]


def test_a_book_that_was_cut_off_anywhere_is_a_shorter_one(
    tmp_path: Path, certificate: Callable[[int], Certificate]
) -> None:
    """The record that is incomplete is as if it had not been, and others follow it."""
    path = tmp_path / "book"
    with CertificateBook(path, 2) as book:
        book.keep(0, certificate(1), Standing.ACTIVE)
        one = path.stat().st_size
        book.keep(1, certificate(2), Standing.ACTIVE)
    whole = path.read_bytes()
    for length in range(one, len(whole), 97):
        path.write_bytes(whole[:length])
        with CertificateBook(path, 2) as book:
            assert book.standing(0) is Standing.ACTIVE
            assert book.standing(1) is not Standing.ACTIVE
            book.keep(1, certificate(3), Standing.ACTIVE)
        with CertificateBook(path, 2) as book:
            assert book.newest(1).name == certificate(3).name


def test_evidence_is_read_while_it_is_written(tmp_path: Path) -> None:
    """As far as it is whole; the rest when it is there."""
    path = tmp_path / "evidence"
    items = [Evidence(n, bytes([n]) * n * 1000, b"signature") for n in range(1, 4)]
    with EvidenceFile(path) as file:
        for item in items:
            file.add(item)
    whole = path.read_bytes()
    path.write_bytes(whole[:1500])
    reader = EvidenceReader(path)
    assert list(reader.read()) == items[:1]
    with path.open("ab") as more:
        more.write(whole[1500:])
    assert list(reader.read()) == items[1:]
    assert list(reader.read()) == []
    reader.close()


def test_a_hundred_thousand_customers_need_little_memory(
    tmp_path: Path, certificate: Callable[[int], Certificate]
) -> None:
    """Less than fifty bytes each, with the certificates of all."""
    count = 100_000
    one = replace(certificate(1), der=b"")
    tracemalloc.start()
    try:
        with CertificateBook(tmp_path / "book", count) as book:
            crowd = Crowd(count)
            for index in range(count):
                book.keep(index, one, Standing.ACTIVE)
                crowd.release(index, Standing.ACTIVE)
            assert book.newest(count - 1).name == one.name
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50 * count
