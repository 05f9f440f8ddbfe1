"""Which calls a request id names."""

from typing import Final

from google.protobuf.descriptor import MethodDescriptor

from tests.client.scripted_daemon import SERVICES

_READS: Final = ("Get", "List", "Watch", "Find", "Count", "Verify", "Prove")
# Repeated, they make another signature, time stamp or challenge, which harms nobody; the counting
# of authorised signatures goes by the id of the call.
_MAKES_ONE_MORE: Final = {
    "Sign",
    "BatchSign",
    "SignStream",
    "SignDocument",
    "SignCms",
    "CreateTimestamp",
    "CreateChallenge",
}


def _methods() -> list[MethodDescriptor]:
    return [method for service in SERVICES for method in service.methods]


def test_every_call_that_changes_state_has_a_request_id() -> None:
    """All others read, or make one thing more."""
    without = {it.name for it in _methods() if "request_id" not in it.input_type.fields_by_name}
    assert {name for name in without if not name.startswith(_READS)} == _MAKES_ONE_MORE


def test_what_proves_an_identity_is_no_read() -> None:
    """Its name begins like those that are."""
    named = {it.name for it in _methods() if "request_id" in it.input_type.fields_by_name}
    assert {"ProveIdentity", "VerifyChallengeResponse"} <= named
