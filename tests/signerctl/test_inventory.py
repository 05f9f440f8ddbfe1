"""What is asked of the stock of certificates: what expires, what needs renewal, how many."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from signerctl.duration import parse_duration
from signerctl.exit_code import ExitCode
from signerctl.renewal import judge
from signerd.v1 import types_pb2
from signerd_client import Certificate, CertificateState
from signerd_client.certificate import certificate_from_wire
from tests.client.scripted_answer import EVENT_COUNT
from tests.client.scripted_daemon import Context, ScriptedDaemon
from tests.client.signerctl_process import COMMAND, Signerctl, environment

# What the scripted daemon takes for now.
_NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def _at(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _certificate(after: timedelta, state: str) -> Certificate:
    """A certificate that ends so long after the daemon's now."""
    message = types_pb2.Certificate(
        name="certificates/4f",
        credential="credentials/01",
        state=types_pb2.CertificateState.Value(f"CERTIFICATE_STATE_{state}"),
        not_after_time=_at(_NOW + after),
    )
    return certificate_from_wire(message)


@pytest.mark.parametrize(
    ("after", "state", "code", "words"),
    [
        (30 * _DAY + _SECOND, "ACTIVE", 0, "needs no renewal: 30 days left, until 2026-03-31"),
        (30 * _DAY, "ACTIVE", 10, "needs renewal: 30 days left, until 2026-03-31 09:30:00Z"),
        (_DAY, "ACTIVE", 10, "needs renewal: 1 day left"),
        (timedelta(0), "ACTIVE", 10, "needs renewal: 0 days left"),
        (-_SECOND, "ACTIVE", 11, "expired at 2026-03-01 09:29:59Z"),
        (-_DAY, "EXPIRED", 11, "expired at 2026-02-28 09:30:00Z"),
        (90 * _DAY, "SUSPENDED", 12, "is suspended"),
        (90 * _DAY, "REVOKED", 13, "is revoked"),
    ],
)
def test_a_verdict_is_exact_to_the_second(
    after: timedelta, state: str, code: int, words: str
) -> None:
    """By the daemon's clock; the last moment of validity is still valid."""
    verdict = judge(_certificate(after, state), _NOW, 30 * _DAY)
    assert (verdict.exit_code, verdict.needs_renewal) == (code, code == 10)
    assert verdict.explanation.startswith(f"certificates/4f {words}")
    assert verdict.days_left == after // _DAY


def test_a_certificate_that_was_replaced_names_its_successor() -> None:
    """Automation that kept the old name learns the new one."""
    old = _certificate(_DAY, "REVOKED")
    verdict = judge(replace(old, replaced_by="certificates/5a"), _NOW, 30 * _DAY)
    assert verdict.exit_code == ExitCode.REVOKED
    assert verdict.explanation == "certificates/4f was replaced: go on with certificates/5a"


def test_the_key_of_a_request_cannot_be_renewed_here() -> None:
    """A certificate for a CSR is due like any other, and the words say what to do instead."""
    verdict = judge(replace(_certificate(_DAY, "ACTIVE"), credential=""), _NOW, 30 * _DAY)
    assert verdict.exit_code == ExitCode.RENEWAL_DUE
    assert "issue a new one" in verdict.explanation


def test_a_state_of_a_newer_daemon_is_no_verdict() -> None:
    """Neither good nor bad: whoever asks has to look."""
    strange = replace(_certificate(_DAY, "ACTIVE"), state=CertificateState.UNKNOWN)
    with pytest.raises(ValueError, match="use one of the daemon's version"):
        judge(strange, _NOW, 30 * _DAY)


def test_lengths_of_time_are_hours_days_or_weeks() -> None:
    """Anything else is refused with the way to write it."""
    assert parse_duration("12h") == timedelta(hours=12)
    assert parse_duration("30d") == 30 * _DAY
    assert parse_duration("2w") == 14 * _DAY
    for wrong in ("30", "d", "-1d", "1y", "1.5d", "99999d", " 1d", ""):
        with pytest.raises(ValueError, match="is no length of time: write 12h, 30d or 2w"):
            parse_duration(wrong)


def test_the_exit_code_says_whether_to_renew(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """With one line of explanation, nothing with --quiet, a document for programs."""

    def in_a_week(_context: Context, answer: Any) -> None:
        answer.certificate.not_after_time.CopyFrom(_at(_NOW + 7 * _DAY))

    daemon.script.next_calls("GetCertificate", *[in_a_week] * 4)
    needs = ("certificate", "needs-renewal", "4f")
    said = signerctl(*needs, "--within", "1w")
    assert (said.code, said.err) == (ExitCode.RENEWAL_DUE, "")
    assert said.out.endswith(" needs renewal: 7 days left, until 2026-03-08 09:30:00Z\n")
    quiet = signerctl(*needs, "--quiet", "--within", "6d")
    assert (quiet.code, quiet.out, quiet.err) == (ExitCode.OK, "", "")
    document = json.loads(signerctl(*needs, "-o", "json").out)
    assert (document["exit_code"], document["needs_renewal"]) == (10, True)
    assert (document["days_left"], document["replaced_by"]) == (7, "")
    assert f"{document['explanation']}\n" == said.out
    refused = signerctl(*needs, "--within", "1y")
    assert (refused.code, "is no length of time" in refused.err) == (ExitCode.USAGE, True)


def _answer(certificates: list[tuple[str, float, str]]) -> Callable[..., None]:
    """A page with certificates: name, days left, state."""

    def change(_context: Context, answer: Any) -> None:
        template = types_pb2.Certificate()
        template.CopyFrom(answer.certificates[0])
        del answer.certificates[:]
        for name, days, state in certificates:
            one = answer.certificates.add()
            one.CopyFrom(template)
            one.name = f"certificates/{name}"
            one.not_after_time.CopyFrom(_at(_NOW + days * _DAY))
            one.state = types_pb2.CertificateState.Value(f"CERTIFICATE_STATE_{state}")
        answer.next_page_token = ""

    return change


def test_what_expires_is_listed_soonest_first(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Active and suspended ones within the window of the daemon's clock, with whole days left."""
    page = _answer(
        [
            ("aa", 20, "ACTIVE"),
            ("bb", 0.9, "ACTIVE"),
            ("cc", 3, "REVOKED"),
            ("dd", 1.5, "SUSPENDED"),
        ]
    )
    daemon.script.next_calls("ListCertificates", page, page)
    lines = signerctl("certificate", "expiring", "--within", "3w").out.splitlines()
    assert lines[0].startswith("DAYS LEFT  NOT AFTER")
    assert [(line.split()[0], line.split()[3]) for line in lines[1:]] == [
        ("0", "certificates/bb"),
        ("1", "certificates/dd"),
        ("20", "certificates/aa"),
    ]
    asked = daemon.script.requests["ListCertificates"][0]
    assert asked.expire_time_from.ToDatetime(UTC) == _NOW
    assert asked.expire_time_before.ToDatetime(UTC) == _NOW + 21 * _DAY
    result = signerctl("certificate", "expiring", "--limit", "1", "-o", "json")
    (document,) = [json.loads(line) for line in result.out.splitlines()]
    assert (document["days_left"], document["certificate"]["name"]) == (0, "certificates/bb")


def test_certificates_are_counted_by_any_key(signerctl: Signerctl) -> None:
    """Each group with its states, a bar in proportion, and the total of all."""
    lines = signerctl("certificate", "inventory", "--by", "branch").out.splitlines()
    cells = [line.split() for line in lines]
    assert cells[0] == ["BRANCH", "ACTIVE", "REVOKED", "SUSPENDED", "COUNT"]
    assert [line[:5] for line in cells[1:]] == [
        ["-", "1", "0", "0", "1"],
        ["001", "0", "10", "0", "10"],
        ["071", "40", "0", "2", "42"],
        ["total", "41", "10", "2", "53"],
    ]
    bars = [len(line[5]) if len(line) > 5 else 0 for line in cells[1:]]
    assert bars[0] == 1
    assert bars[1] == -(-10 * bars[2] // 42)
    assert bars[3] == 0
    assert max(len(line) for line in lines) <= 80
    by_state = signerctl("certificate", "inventory").out
    assert [line.split()[:2] for line in by_state.splitlines()] == [
        ["STATE", "COUNT"],
        ["ACTIVE", "41"],
        ["REVOKED", "10"],
        ["SUSPENDED", "2"],
        ["total", "53"],
    ]


def test_counts_can_be_limited(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """To a state, and to a window of expiry, which the daemon keeps."""
    result = signerctl(
        *("certificate", "inventory", "--by", "month", "--state", "ACTIVE", "-o", "json"),
        *("--expires-from", "2027-03-01", "--expires-before", "2027-05-01"),
    )
    assert json.loads(result.out) == {
        "by": "month",
        "groups": [
            {"name": "2027-03", "count": 40, "states": {"ACTIVE": 40}},
            {"name": "2027-04", "count": 1, "states": {"ACTIVE": 1}},
        ],
        "total": 41,
    }
    (request,) = daemon.script.requests["CountCertificates"]
    assert request.expire_time_from.ToJsonString() == "2027-03-01T00:00:00Z"
    assert request.expire_time_before.ToJsonString() == "2027-05-01T00:00:00Z"


def test_an_empty_stock_is_counted(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """No certificates are a total of 0, and no error."""

    def nothing(_context: Context, answer: Any) -> None:
        del answer.counts[:]

    daemon.script.next_calls("CountCertificates", nothing, nothing)
    assert signerctl("certificate", "inventory").out.split() == ["STATE", "COUNT", "total", "0"]
    document = json.loads(signerctl("certificate", "inventory", "-o", "json").out)
    assert document == {"by": "state", "groups": [], "total": 0}


@pytest.mark.parametrize("width", [20, 40, 100])
def test_bars_fit_the_terminal(daemon: ScriptedDaemon, directory: Any, width: int) -> None:
    """On a real terminal of any width no line is folded, without colours too; where the locale
    has no blocks, marks of ASCII do."""
    assert daemon.port
    for locale, mark in (("C.UTF-8", "█"), ("POSIX", "#")):
        more = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "NO_COLOR": "1"}
        master, slave = pty.openpty()
        done = subprocess.run(
            (*COMMAND, "certificate", "inventory"),
            stdout=slave,
            env=environment(SIGNERD_TARGET=f"unix:{directory}/d.sock")
            | more
            | {"LC_ALL": locale, "COLUMNS": str(width), "TERM": "xterm"},
            check=True,
            timeout=60,
        )
        os.close(slave)
        text = re.sub("\x1b\\[[0-9;]*m", "", _all_of(master))
        assert done.returncode == 0
        lines = text.splitlines()
        assert len(lines) == 5, text
        assert max(map(len, lines)) <= width
        assert (mark in text) is (width > 20)


def _all_of(terminal: int) -> str:
    text = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            read = b""
        if not read:
            os.close(terminal)
            return text.decode()
        text += read


def test_changes_are_watched(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """One line a change with the certificate as it stands, after a position, for a subscriber."""
    watch = ("certificate", "watch", "--after", "2", "--limit", "2")
    lines = signerctl(*watch, "--subscriber", "hong").out.splitlines()
    assert [line.split()[0] for line in lines] == ["3", "4"]
    assert all("certificate.issued" in line and line.endswith("ACTIVE") for line in lines)
    request = daemon.script.requests["WatchCertificates"][0]
    assert (request.subscriber, request.after_position) == ("subscribers/hong", 2)
    documents = [json.loads(line) for line in signerctl(*watch, "-o", "json").out.splitlines()]
    assert [one["position"] for one in documents] == [3, 4] == list(range(3, EVENT_COUNT))
    assert documents[0]["certificate"]["name"] == daemon.answers.certificate_name
