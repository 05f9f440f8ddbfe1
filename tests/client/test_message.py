"""Messages to subscribers in the client library and in signerctl."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signerd.v1 import admin_pb2
from signerd_client import Client, Target
from signerd_client.message import MessageContent, MessageKind, MessageState, message_from_wire
from tests.client.scripted_daemon import ScriptedDaemon
from tests.client.signerctl_process import Signerctl

_TIME = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def local() -> Iterator[str]:
    directory = tempfile.mkdtemp(prefix="sd")
    yield f"unix:{Path(directory)}/d.sock"
    shutil.rmtree(directory)


@pytest.fixture
def scripted(local: str) -> Iterator[ScriptedDaemon]:
    with ScriptedDaemon(local) as daemon:
        yield daemon


def test_messages_are_listed_over_all_pages(local: str, scripted: ScriptedDaemon) -> None:
    """Filters arrive by their names; what is absent is None."""
    with Client(Target(local)) as client:
        sent, *waiting = client.list_messages(subscriber="hong", kind="CODE", state="SENT")
    assert (sent.kind, sent.state, sent.channel) == (MessageKind.CODE, MessageState.SENT, "SMS")
    assert sent.content == MessageContent("+821012345678", "", "[Example Bank] 인증번호 042917", ())
    assert (sent.create_time, sent.send_time, sent.next_attempt_time) == (_TIME, _TIME, None)
    assert [message.state for message in waiting] == [MessageState.PENDING] * 2
    assert {(message.content, message.send_time, message.channel) for message in waiting} == {
        (None, None, "")
    }
    first, second = scripted.script.requests["ListMessages"]
    assert first.subscriber == second.subscriber == "subscribers/hong"
    assert first.kind == admin_pb2.MESSAGE_KIND_CODE
    assert first.state == admin_pb2.MESSAGE_STATE_SENT


def test_a_later_daemon_may_know_more() -> None:
    """Numbers this version has no name for are UNKNOWN and no error."""
    message = admin_pb2.OutboxMessage()
    message.ParseFromString(b"\x10\x63\x30\x63")
    value = message_from_wire(message)
    assert (value.kind, value.state) == (MessageKind.UNKNOWN, MessageState.UNKNOWN)


def test_the_outbox_is_shown(local: str, scripted: ScriptedDaemon) -> None:
    """A line a message; one with all there is, the text included."""
    signerctl = Signerctl(local)
    heading, first, *_ = signerctl("outbox", "list", "--certificate", "4F").out.splitlines()
    assert heading.split()[0] == "MESSAGE"
    assert "042917" in first
    assert scripted.script.requests["ListMessages"][0].certificate == "certificates/4f"
    shown = signerctl("outbox", "show", "9b1c")
    assert "[Example Bank] 인증번호 042917" in shown.out
    assert scripted.script.requests["GetMessage"][0].name == "messages/9b1c"
    document = json.loads(signerctl("outbox", "show", "9b1c", "-o", "json").out)
    assert document["content"]["address"] == "+821012345678"
    assert set(document) == {field.name for field in admin_pb2.OutboxMessage.DESCRIPTOR.fields}
