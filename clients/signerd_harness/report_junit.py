"""The checks of a run as JUnit XML, which build servers read."""

import xml.etree.ElementTree as ET
from datetime import UTC

from signerd_harness.result import Check, Result


def junit_xml(result: Result, checks: list[Check]) -> bytes:
    """A test case for each check, UTF-8."""
    failed = sum(bool(check.problem) for check in checks)
    skipped = sum(check.skipped for check in checks)
    suite = ET.Element(
        "testsuite",
        name=f"signerd.harness.{result.scenario.name}",
        tests=str(len(checks)),
        failures=str(failed),
        errors="0",
        skipped=str(skipped),
        time=f"{result.enrolment_s + result.acts_s + result.verification_s:.3f}",
        timestamp=f"{result.begun.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    )
    for check in checks:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"signerd.harness.{result.scenario.name}",
            name=check.name,
            time=f"{check.seconds:.3f}",
        )
        if check.problem:
            first, _, _ = check.problem.partition("\n")
            failure = ET.SubElement(case, "failure", message=_printable(first))
            failure.text = _printable(check.problem)
        elif check.skipped:
            ET.SubElement(case, "skipped", message="there was nothing to judge")
    document = ET.Element("testsuites")
    document.append(suite)
    text = ET.tostring(document, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _printable(text: str) -> str:
    """Control characters cannot stand in XML 1.0."""
    return "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
    )
