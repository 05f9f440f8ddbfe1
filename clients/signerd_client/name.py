"""Resource names: callers may give the full name or the bare id."""

import re
from typing import Final

_SUPPORT_REFERENCE: Final = re.compile(r"[0-9A-Za-z]{5}-[0-9A-Za-z]{5}")


def subscriber_name(name_or_id: str) -> str:
    """`subscribers/{subscriber}`."""
    return _full("subscribers", name_or_id)


def certificate_name(name_or_id: str) -> str:
    """`certificates/{serial}`; a serial as openssl prints it (upper case, colons) is accepted."""
    if "/" in name_or_id:
        return name_or_id
    return _full("certificates", name_or_id.replace(":", "").lower())


def credential_name(name_or_id: str) -> str:
    """`credentials/{credential}`."""
    return _full("credentials", name_or_id)


def message_name(name_or_id: str) -> str:
    """`messages/{message}`."""
    return _full("messages", name_or_id)


def enrolment_name(name_or_id: str) -> str:
    """`enrolments/{enrolment}`."""
    return _full("enrolments", name_or_id)


def is_support_reference(text: str) -> bool:
    """Whether it is the number of an enrolment that customers quote, and no name."""
    return _SUPPORT_REFERENCE.fullmatch(text) is not None


def _full(collection: str, name_or_id: str) -> str:
    if not name_or_id or "/" in name_or_id:
        return name_or_id
    return f"{collection}/{name_or_id}"
