"""What is remembered of a call comes back as it was, and opens for that call alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import pytest
from cryptography.exceptions import InvalidTag

from signerd.core.error import Internal, LimitExceeded, SignerdError, WrongState
from signerd.core.record import Answer, RequestKey
from signerd.identity.answer import AnsweredCall
from tests.identity.scene import NOW, Box

_REQUEST: Final = RequestKey("dns:app", "SetPassword", "1f0c", b"content")


@dataclass(frozen=True)
class _Result:
    code: str
    expires_utc: datetime | None


def _call(box: Box, request: RequestKey = _REQUEST) -> AnsweredCall:
    return AnsweredCall(request, box, box, 0.0)


def _keep(box: Box, answer: Answer) -> None:
    box.kept[answer.request] = answer.sealed


async def test_a_result_comes_back() -> None:
    """Before it was given there is none."""
    box = Box()
    assert await _call(box).earlier(_Result) is None
    for result in (_Result("1234-가", NOW), _Result("", None)):
        _keep(box, await _call(box).result(result))
        assert await _call(box).earlier(_Result) == result


@pytest.mark.parametrize(
    "refusal",
    [
        LimitExceeded("wait", reason="LOCKED_OUT", metadata={"a": "b"}, retry_after_s=1.5),
        WrongState("no", field="pin"),
    ],
)
async def test_a_refusal_is_raised_again(refusal: SignerdError) -> None:
    """With everything that a caller is told."""
    box = Box()
    _keep(box, await _call(box).refusal(refusal))
    with pytest.raises(type(refusal)) as raised:
        await _call(box).earlier(_Result)
    assert vars(raised.value) == vars(refusal)


async def test_it_opens_for_no_other_call() -> None:
    """An answer that somebody moves in the database to another caller is not theirs."""
    box = Box()
    answer = await _call(box).result(_Result("secret", NOW))
    thief = RequestKey("dns:rival", "SetPassword", "1f0c", b"content")
    box.kept[thief] = answer.sealed
    with pytest.raises(InvalidTag):
        await _call(box, thief).earlier(_Result)


@pytest.mark.parametrize(
    "text",
    [
        b"{}}",
        msgspec.json.encode({"result": {"code": 5}}),
        msgspec.json.encode(
            {
                "refusal": {
                    "family": "OfAnotherRelease",
                    "message": "",
                    "reason": "",
                    "metadata": {},
                    "retry_after_s": None,
                    "field": None,
                }
            }
        ),
    ],
)
async def test_what_cannot_be_read_is_a_defect(text: bytes) -> None:
    """Never taken for an answer."""
    box = Box()
    associated = b"answers/SetPassword/1f0c of dns:app"
    _keep(box, Answer(_REQUEST, await box.seal(text, associated, deadline=0.0)))
    with pytest.raises(Internal):
        await _call(box).earlier(_Result)
