"""What an authorisation is good for, over values."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from signerd.activation.authorize import GivenAuthorisation
from signerd.core.activation import ActivationRecord, AuthorisationUse, SigningAuthorisation
from signerd.core.agreement_rule import count_new, require_good
from signerd.core.error import PermissionDenied, SignerdError, WrongState
from signerd.core.evidence import CodeRecord
from signerd.core.record import Answer, RequestKey
from signerd.core.value import CredentialId
from signerd.policy.decide import Scope
from signerd.signing.sign import SignInput, SignRequest
from tests.store.scenario import START

KEY = CredentialId("ab" * 16)
SECRET = "kept-by-the-caller"  # noqa: S105 - of nobody
A, B = sha256(b"a").digest(), sha256(b"b").digest()
GIVEN = SigningAuthorisation(
    authorisation_id="cd" * 16,
    secret_sha256=sha256(SECRET.encode()).digest(),
    credential=KEY,
    principal="dns:app",
    remaining=2,
    digests=None,
    expires_utc=START + timedelta(seconds=300),
)
USE = AuthorisationUse(GIVEN.authorisation_id, "request", (A, B), START)


def _reason(given: SigningAuthorisation, use: AuthorisationUse) -> str:
    with pytest.raises(SignerdError) as refused:
        count_new(given, {}, use)
    return refused.value.reason


def test_signatures_are_counted_once_for_each_call() -> None:
    """What a call signs again is not counted; what it signs more often, or besides, is."""
    assert count_new(GIVEN, {}, USE) == 2
    assert count_new(GIVEN, {A: 1}, USE) == 1
    assert count_new(replace(GIVEN, remaining=0), {A: 1, B: 1}, USE) == 0
    assert count_new(GIVEN, {A: 1}, replace(USE, digests=(A, A))) == 1
    assert _reason(GIVEN, replace(USE, digests=(A, A, A))) == "AUTHORISATION_USED_UP"


def test_time_and_digests_bound_it() -> None:
    """Its last moment still counts; another digest never does."""
    last = replace(USE, time_utc=GIVEN.expires_utc)
    assert count_new(GIVEN, {}, last) == 2
    late = replace(USE, time_utc=GIVEN.expires_utc + timedelta(microseconds=1))
    assert _reason(GIVEN, late) == "AUTHORISATION_EXPIRED"
    assert _reason(replace(GIVEN, digests=frozenset({A})), USE) == "DIGEST_NOT_AUTHORISED"
    assert count_new(replace(GIVEN, digests=frozenset({A, B})), {}, USE) == 2


def test_it_is_one_callers_for_one_key() -> None:
    """Unknown, wrong secret, other key and other caller get one and the same answer."""
    assert require_good(GIVEN, SECRET, KEY, "dns:app") is GIVEN
    messages = set()
    for found, secret, principal, key in (
        (None, SECRET, "dns:app", KEY),
        (GIVEN, "", "dns:app", KEY),
        (GIVEN, SECRET, "dns:other", KEY),
        (replace(GIVEN, credential=CredentialId("00")), SECRET, "dns:app", KEY),
    ):
        with pytest.raises(PermissionDenied) as refused:
            require_good(found, secret, key, principal)
        messages.add((refused.value.reason, refused.value.message))
    assert len(messages) == 1
    assert not issubclass(PermissionDenied, WrongState)


def test_no_value_shows_a_secret() -> None:
    """Neither PIN hash, code, secret nor its hash is in a repr."""
    record = ActivationRecord(pin_hash="$argon2id$hash", code=CodeRecord(mac=b"code-mac"))
    request = SignRequest(
        KEY, SignInput(b"data", None), "dns:app", "r", Scope(()), 0.0, f"id.{SECRET}"
    )
    given = GivenAuthorisation(SECRET, GIVEN.authorisation_id, 1, GIVEN.expires_utc)
    answer = Answer(RequestKey("dns:app", "AuthorizeSigning", "r", b""), SECRET.encode())
    shown = f"{answer!r} {record!r} {GIVEN!r} {given!r} {request!r} {request}"
    for secret in (SECRET, "$argon2id", "code-mac", str(GIVEN.secret_sha256)):
        assert secret not in shown
