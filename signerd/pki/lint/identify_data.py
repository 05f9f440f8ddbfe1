"""identifyData holds a readable real name and one VID, as long as its hash."""

from typing import Final

from cryptography import x509

from signerd.pki.identify_data import IDENTIFY_DATA, decode_identify_data
from signerd.pki.lint.rule import Rule, Specimen
from signerd.pki.name_text import UPPER_BOUND, text_problem
from signerd.pki.scheme import hash_algorithm


def _judge(specimen: Specimen) -> str | None:
    extension = specimen.extension(x509.SubjectAlternativeName)
    others = [] if extension is None else extension.value.get_values_for_type(x509.OtherName)
    found = [name for name in others if name.type_id == IDENTIFY_DATA]
    if len(found) > 1:
        return "there is more than one identifyData"
    return _problem(found[0].value) if found else None


def _problem(der: bytes) -> str | None:
    try:
        data = decode_identify_data(der)
    except ValueError as error:
        return f"identifyData cannot be read: {error}"
    if len(data.virtual_id) != hash_algorithm(data.hash).digest_size:
        return "the VID is not as long as its hash"
    problem = text_problem(data.real_name, upper_bound=UPPER_BOUND)
    return None if problem is None else f"realName {problem}"


RULE: Final = Rule("identify-data", "KCAC.TS.CERTPROF; KCAC.TS.SIVID", _judge)
