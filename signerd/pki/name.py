"""The subject of an end-entity certificate: checks on what callers send, and the name built of it.

Order and string types are those of the Korean accredited profile: C, O, OU..., CN; UTF8String,
C PrintableString.
"""

import re
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from signerd.core.record import SubjectRecord
from signerd.pki.alternative_name import check_alternative_names
from signerd.pki.composed_name import DIGITS, with_parentheses
from signerd.pki.distinguished_name import display_name, name_of, read_name, tbs_of
from signerd.pki.name_text import UPPER_BOUND, check_text, refuse
from signerd.pki.profile import Profile

MAX_ORGANIZATIONAL_UNITS: Final = 4
_BRANCH = re.compile("[0-9]{3}")


def check_subject(profile: Profile, subject: SubjectRecord) -> None:
    """Everything a caller can get wrong about a subject under this profile.

    Raises InvalidRequest (SUBJECT_INVALID) naming the field as in the API, such as
    `subject.organizational_units[1]`; the message never repeats the value.
    """
    check_text(subject.common_name, field="subject.common_name", upper_bound=UPPER_BOUND)
    units = subject.organizational_units
    if len(units) > MAX_ORGANIZATIONAL_UNITS:
        refuse(
            "subject.organizational_units",
            f"holds {len(units)} units; the most is {MAX_ORGANIZATIONAL_UNITS}",
        )
    for index, unit in enumerate(units):
        check_text(unit, field=f"subject.organizational_units[{index}]", upper_bound=UPPER_BOUND)
    _check_composed(profile, subject)
    check_alternative_names(profile, subject)


def subject_name(profile: Profile, subject: SubjectRecord, issuer: x509.Name) -> x509.Name:
    """The name of a checked subject. Country and organisation are the issuer's where the profile
    has none of its own."""
    template = profile.subject
    country = template.country or _first(issuer, NameOID.COUNTRY_NAME)
    organization = template.organization or _first(issuer, NameOID.ORGANIZATION_NAME)
    attributes = [(NameOID.COUNTRY_NAME, country), (NameOID.ORGANIZATION_NAME, organization)]
    attributes.extend(
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit)
        for unit in (*template.organizational_units, *subject.organizational_units)
    )
    attributes.append((NameOID.COMMON_NAME, subject.common_name))
    return name_of((oid, text) for oid, text in attributes if text)


def display_subject(certificate_der: bytes) -> str:
    """The subject of a certificate as an RFC 4514 string, Korean as it is. Raises ValueError."""
    return display_name(read_name(tbs_of(certificate_der).subject))


def _check_composed(profile: Profile, subject: SubjectRecord) -> None:
    if subject.branch and _BRANCH.fullmatch(subject.branch) is None:
        refuse("subject.branch", "is not three digits")
    if profile.subject.composition is None:
        return
    if not subject.branch:
        refuse("subject.branch", f'is required by profile "{profile.name}"; give its three digits')
    most = UPPER_BOUND - DIGITS
    length = len(with_parentheses(subject.common_name))
    if length > most:
        refuse(
            "subject.common_name",
            f"has {length} characters with its parentheses; the most is {most}, because "
            f'profile "{profile.name}" adds {DIGITS} digits',
        )


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
