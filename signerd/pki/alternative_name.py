"""Subject alternative names: e-mail addresses and DNS names."""

import re
from typing import Final

from cryptography import x509

from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.identify_data import CERTIFIED_HASH, IdentifyData, identify_data_name
from signerd.pki.name_text import refuse
from signerd.pki.profile import Presence, Profile

MAX_DNS_NAMES: Final = 16
_MAX_DNS_LENGTH: Final = 253
_MAX_EMAIL_LENGTH: Final = 254
_MAX_LOCAL_LENGTH: Final = 64

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Preferred name syntax (RFC 1034, 3.5, as RFC 5280, 4.2.1.6 asks), two labels or more. The last
# begins with a letter, which keeps out IPv4 addresses.
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?=[A-Za-z])(?=..){_LABEL}")
# Dot-atom of RFC 5321, 4.1.2. Quoted local parts exist and nobody has one.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def check_alternative_names(profile: Profile, subject: SubjectRecord) -> None:
    """Check e-mail and DNS names against syntax and profile.

    ASCII only: internationalised domains come as A-labels (xn--), and non-ASCII local parts have
    no rfc822Name (RFC 5280, 4.2.1.6). Raises InvalidRequest (SUBJECT_INVALID).
    """
    _check_presence(profile, profile.email, bool(subject.email), "subject.email")
    _check_presence(profile, profile.dns, bool(subject.dns_names), "subject.dns_names")
    if subject.email:
        _check_email(subject.email)
    if len(subject.dns_names) > MAX_DNS_NAMES:
        refuse("subject.dns_names", f"holds more than {MAX_DNS_NAMES} names; leave some out")
    seen: set[str] = set()
    for index, name in enumerate(subject.dns_names):
        field = f"subject.dns_names[{index}]"
        _check_dns(name, field)
        if name.lower() in seen:
            refuse(field, "repeats an earlier name; send each once")
        seen.add(name.lower())


def alternative_name_of(
    subject: SubjectRecord, identity: HolderIdentity | None
) -> x509.SubjectAlternativeName | None:
    """The extension for a checked subject; None when there is nothing to put in."""
    names: list[x509.GeneralName] = []
    if identity is not None:
        data = IdentifyData(identity.real_name, CERTIFIED_HASH, identity.virtual_id)
        names.append(identify_data_name(data))
    if subject.email:
        names.append(x509.RFC822Name(subject.email))
    names.extend(x509.DNSName(name) for name in subject.dns_names)
    return x509.SubjectAlternativeName(names) if names else None


def is_dns_name(text: str) -> bool:
    """Whether text is a host name of at least two labels, without wildcard."""
    return len(text) <= _MAX_DNS_LENGTH and _DOMAIN.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether text is an ASCII mailbox (RFC 5321, 4.1.2, without quoting)."""
    local, at, domain = text.rpartition("@")
    return (
        bool(at)
        and len(text) <= _MAX_EMAIL_LENGTH
        and len(local) <= _MAX_LOCAL_LENGTH
        and _LOCAL.fullmatch(local) is not None
        and is_dns_name(domain)
    )


def _check_presence(profile: Profile, presence: Presence, given: bool, field: str) -> None:  # noqa: FBT001 - the fact that is judged, not an option
    if given and presence is Presence.REFUSED:
        refuse(field, f'is not allowed by profile "{profile.name}"; leave it out')
    if not given and presence is Presence.REQUIRED:
        refuse(field, f'is required by profile "{profile.name}"; give it')


def _check_email(text: str) -> None:
    if not is_email(text):
        refuse(
            "subject.email",
            "is not an ASCII address of the form local@domain.tld; internationalised domains "
            "are given as xn-- labels",
        )


def _check_dns(text: str, field: str) -> None:
    if not is_dns_name(text):
        refuse(
            field,
            "is not a host name of two or more labels of letters, digits and inner hyphens; "
            "wildcards and addresses are not allowed, internationalised names are given as "
            "xn-- labels",
        )
