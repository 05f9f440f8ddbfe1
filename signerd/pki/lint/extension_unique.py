"""No extension appears twice."""

from collections import Counter
from typing import Final

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    counted = Counter(extension.oid for extension in specimen.tbs.extensions)
    repeated = [oid.dotted_string for oid, count in counted.items() if count > 1]
    return f"repeated: {', '.join(repeated)}" if repeated else None


RULE: Final = Rule("extension-unique", "RFC 5280, 4.2", _judge)
