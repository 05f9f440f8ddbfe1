"""Identifiers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.error import InvalidRequest
from signerd.core.value import (
    certificate_id_of,
    parse_request_id,
    parse_slug,
    serial_from,
)


@given(st.binary(min_size=20, max_size=20))
def test_serials_are_positive_and_at_most_20_octets(random: bytes) -> None:
    """RFC 5280, 4.1.2.2: also as a DER INTEGER, whose first bit is the sign."""
    serial = serial_from(random)
    assert serial.bit_length() == 159
    assert len(serial.to_bytes(20, "big", signed=True)) == 20
    assert int(certificate_id_of(serial), 16) == serial


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a" * 64, "a b", "\uff41", "a\n"])
def test_identifiers_outside_the_alphabet_are_refused(text: str) -> None:
    """What a caller chooses as an id is safe in names, files and logs."""
    with pytest.raises(InvalidRequest) as refused:
        parse_slug(text, field="subscriber")
    assert refused.value.field == "subscriber"


@pytest.mark.parametrize("text", ["a", "cust-000001", "0", "a" * 63])
def test_identifiers_of_the_alphabet_are_taken(text: str) -> None:
    """They come back as they are."""
    assert parse_slug(text, field="subscriber") == text


def test_request_ids_are_compared_in_one_form() -> None:
    """Two spellings of one UUID are one request."""
    assert parse_request_id("0D5F4A2E-7C1B-4A5E-9C3D-2B1A0F9E8D7C") == (
        "0d5f4a2e-7c1b-4a5e-9c3d-2b1a0f9e8d7c"
    )
    with pytest.raises(InvalidRequest):
        parse_request_id("order-17")
