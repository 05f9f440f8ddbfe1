"""Whatever anybody sends over HTTP is answered as RFC 3161 says, no more often than allowed."""

from typing import Any

import pytest
from asn1crypto import algos, tsp

from signerd.core.algorithm import Hash
from signerd.core.error import Internal, SignerdError, TokenUnavailable, WrongState
from signerd.pki.signature import digest
from signerd.pki.timestamp import PkiFailure, TimeStampQuery, TimeStampResponseDer
from signerd.signing.answer_timestamp import AnswerTimestamp
from signerd.signing.timestamp import TimeStamp
from tests.pki.software_authority import NOW
from tests.signing.test_verify_cms import _stamp

_IMPRINT = {
    "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
    "hashed_message": digest(Hash.SHA256, b"data"),
}
_REQUEST = tsp.TimeStampReq({"version": 1, "message_imprint": _IMPRINT}).dump()
_TOKEN = _stamp(b"data", NOW)


class Stamper:
    """Makes the same token again and again, or fails in one way."""

    def __init__(self, failure: SignerdError | None = None) -> None:
        self.made = 0
        self._failure = failure

    async def create(self, query: TimeStampQuery, **_: object) -> TimeStamp:
        """See CreateTimestamp."""
        assert query.hash is Hash.SHA256
        if self._failure is not None:
            raise self._failure
        self.made += 1
        return TimeStamp(_TOKEN, "0c", NOW, "1.2.3")


class Time:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def _answers(stamper: Stamper, time: Time, *, per_second: float = 50.0) -> AnswerTimestamp:
    create: Any = stamper
    return AnswerTimestamp(
        create, per_second=per_second, most_waiting=8, limit_s=5.0, monotonic=time
    )


async def _status(answers: AnswerTimestamp, request: bytes = _REQUEST) -> tuple[str, set[str]]:
    response = TimeStampResponseDer.load(await answers.answer(request), strict=True)
    return response["status"]["status"].native, response["status"]["fail_info"].native or set()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (WrongState("set the clock", reason="CLOCK_NOT_TRUSTED"), PkiFailure.TIME_NOT_AVAILABLE),
        (TokenUnavailable("the host went away"), PkiFailure.SYSTEM_FAILURE),
        (Internal("a secret path"), PkiFailure.SYSTEM_FAILURE),
    ],
)
async def test_each_failure_has_its_rejection(failure: SignerdError, said: PkiFailure) -> None:
    """Of a defect nothing is told."""
    answers = _answers(Stamper(failure), Time())
    assert await _status(answers) == ("rejection", {said.value})
    assert b"secret" not in await answers.answer(_REQUEST)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, PkiFailure.BAD_REQUEST),
        ({"nonce": 1 << 300}, PkiFailure.BAD_REQUEST),
        (
            {"extensions": [{"extn_id": "1.2.3", "extn_value": b"x"}]},
            PkiFailure.UNACCEPTED_EXTENSION,
        ),
        (
            {"message_imprint": _IMPRINT | {"hashed_message": bytes(31)}},
            PkiFailure.BAD_DATA_FORMAT,
        ),
    ],
)
async def test_what_the_rfc_forbids_is_rejected(
    changes: dict[str, object], said: PkiFailure
) -> None:
    """Before the key is used."""
    stamper = Stamper()
    request = {"version": 1, "message_imprint": _IMPRINT} | changes
    answers = _answers(stamper, Time())
    assert await _status(answers, tsp.TimeStampReq(request).dump()) == ("rejection", {said.value})
    assert stamper.made == 0


async def test_no_more_are_made_than_allowed() -> None:
    """Those of a second at once, then as many as time passes; the others are told to come back."""
    stamper, time = Stamper(), Time()
    answers = _answers(stamper, time, per_second=10)
    statuses = [(await _status(answers))[0] for _ in range(15)]
    assert statuses == ["granted"] * 10 + ["rejection"] * 5
    time.now_s += 0.35
    statuses = [(await _status(answers))[0] for _ in range(5)]
    assert statuses == ["granted"] * 3 + ["rejection"] * 2
    assert stamper.made == 13
