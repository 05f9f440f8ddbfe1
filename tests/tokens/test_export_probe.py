"""The export probe refuses what lets keys go, and only that."""

import os

import pytest

from signerd.tokens.export_probe import ExportAttempt
from tests.tokens import scenario
from tests.tokens.scenario import in_child
from tests.tokens.soft_hsm import Stage


def escaped(attempts: list[ExportAttempt]) -> list[str]:
    """The ways by which something came out."""
    return [it.way for it in attempts if not it.refused]


def test_softhsm_keeps_our_keys(stage: Stage) -> None:
    """No way leads out of SoftHSM, every family of ways is tried, and nothing stays behind."""
    attempts, left = in_child(scenario.probe_throwaway, stage.hsm.directory)
    assert escaped(attempts) == []
    ways = " ".join(it.way for it in attempts)
    for expected in (
        "read CKA_VALUE",
        "read CKA_PRIVATE_EXPONENT",
        "C_WrapKey CKM_AES_KEY_WRAP_PAD",
        "C_WrapKey CKM_RSA_PKCS",
        "C_CopyObject with CKA_EXTRACTABLE=True",
        "C_SetAttributeValue CKA_SENSITIVE=False",
    ):
        assert expected in ways
    assert left == []


@pytest.mark.parametrize(("sensitive", "way"), [(True, "C_WrapKey"), (False, "read")])
def test_extractable_key_is_found_out(stage: Stage, *, sensitive: bool, way: str) -> None:
    """A key that can be wrapped or read is reported with the way it left."""
    cka_id = os.urandom(16)
    in_child(scenario.plant, stage.hsm.directory, cka_id, extractable=True, sensitive=sensitive)
    attempts, _ = in_child(scenario.probe_key, stage.hsm.directory, cka_id)
    assert any(way in it for it in escaped(attempts))
    recovered = [it for it in attempts if it.detail == "the private key was recovered in clear"]
    assert recovered


def test_probing_a_key_in_use_leaves_it_as_it_is(stage: Stage) -> None:
    """A protected key withstands the probe and has the same attributes afterwards."""
    cka_id = os.urandom(16)
    in_child(scenario.plant, stage.hsm.directory, cka_id, extractable=False, sensitive=True)
    attempts, inspected = in_child(scenario.probe_key, stage.hsm.directory, cka_id)
    assert escaped(attempts) == []
    assert (inspected.sensitive, inspected.extractable) == (True, False)


def test_what_a_killed_probe_left_is_destroyed(stage: Stage) -> None:
    """A throwaway key of an earlier probe is known by its CKA_ID; other keys stay."""
    left, kept = b"export-probe" + os.urandom(4), os.urandom(16)
    for cka_id in (left, kept):
        in_child(scenario.plant, stage.hsm.directory, cka_id, extractable=False, sensitive=True)
    _, remaining = in_child(scenario.probe_throwaway, stage.hsm.directory)
    assert [key.cka_id for key in remaining] == [kept]
