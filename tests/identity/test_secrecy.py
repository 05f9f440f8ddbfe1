"""No value of the room shows a secret, however it is printed."""

import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

import signerd.identity
from signerd.config.secret_source import Secret
from signerd.core.evidence import (
    AuthorisationRecord,
    CodeRecord,
    DocumentKind,
    Factor,
    PasswordRecord,
)
from signerd.core.record import RequestKey
from signerd.core.value import CredentialId
from signerd.identity.answer import AnsweredCall, _Stored
from signerd.identity.authorisation import (
    AuthorisationRule,
    Claim,
    NewAuthorisation,
    make_authorisation,
)
from signerd.identity.check import Check
from signerd.identity.document import (
    DocumentOutcome,
    DocumentVerdict,
    IdentityDocument,
    parse_document,
)
from signerd.identity.factor import DEFAULT_FACTORS, GroupStanding
from signerd.identity.file_document_verifier import FileDocumentVerifier
from signerd.identity.http_document_verifier import HttpDocumentVerifier
from signerd.identity.keyed_hash import CallMac
from signerd.identity.load import IdentityRules
from signerd.identity.lockout import LockoutRule
from signerd.identity.one_time_code import ActivationBinding, CodeRule, NewCode, make_code
from signerd.identity.password import Argon2Cost, PasswordRule, new_password
from signerd.identity.password_strength import PersonalWords, personal_words
from tests.identity.scene import BINDING, ENROLMENT, NOW, Box, counting, mac

PASSWORD = "tq Kx9#mQ2vLp tortoise"  # noqa: S105 - made up
TODAY = date(2026, 11, 24)


async def values() -> tuple[list[object], set[str]]:
    """One value at least of every class of the room, and the secrets in them."""
    code = await make_code(
        CodeRecord(), BINDING, CodeRule(), NOW, random=lambda count: b"\x07" * count, mac=mac
    )
    authorisation = await make_authorisation(
        ENROLMENT, AuthorisationRule(), NOW, random=counting(), mac=mac
    )
    cost = Argon2Cost(1, 64)
    rule = PasswordRule(cost=cost)
    password = new_password(None, Secret(PASSWORD), PersonalWords(), rule, NOW, salt=bytes(16))
    document = parse_document(
        DocumentKind.RESIDENT_CARD, Secret("900512-1234567"), "김하늘", "2020-02-29", today=TODAY
    )
    words = personal_words(
        name="김하늘", birth_date=date(1990, 5, 12), phone="+821055508877", email="skylark@b.kr"
    )
    box = Box()
    call = AnsweredCall(RequestKey("dns:app", "Prove", "r", b""), box, box, 0.0)
    answer = await call.result(authorisation.code.reveal())
    stored = _Stored(result=msgspec.Raw(msgspec.json.encode(authorisation.code.reveal())))
    shown: list[object] = [
        *(call, answer, stored, CallMac(box, 0.0)),
        *(code, code.record, Check(code.record), CodeRule(), BINDING),
        ActivationBinding(CredentialId("ab")),
        *(authorisation, authorisation.record, AuthorisationRule()),
        Claim(authorisation.reference_number, authorisation.code),
        *(password, Check(password), rule, cost, LockoutRule()),
        *(document, DocumentVerdict(DocumentOutcome.GENUINE, "case-7")),
        *(words, DEFAULT_FACTORS, GroupStanding(frozenset(Factor), None), IdentityRules()),
        HttpDocumentVerifier("http://[::1]:1/", timeout_s=1, authorization=Secret("Bearer abc")),
        FileDocumentVerifier(Path("documents.csv")),
    ]
    secrets = {
        *(code.code.reveal(), authorisation.code.reveal(), PASSWORD, password.hash),
        *("9005121234567", "900512-1234567", "김하늘", "2020, 2, 29", "2020-02-29", "Bearer abc"),
        *(word.reveal() for word in words.words),
        *(str(record) for record in (code.record.mac, authorisation.record.code_mac)),
    }
    return shown, secrets


def classes() -> Iterator[type[Any]]:
    """The room's types of values."""
    for module in pkgutil.iter_modules(signerd.identity.__path__, "signerd.identity."):
        for name, value in vars(importlib.import_module(module.name)).items():
            is_value = inspect.isclass(value) and dataclasses.is_dataclass(value)
            if is_value and value.__module__ == module.name and not name.startswith("_"):
                yield value


async def test_every_class_of_the_room_is_looked_at() -> None:
    """A new class needs a value in this test."""
    shown, _ = await values()
    kinds = {type(value) for value in shown}

    assert [one.__name__ for one in classes() if one not in kinds] == []


async def test_no_text_of_a_value_holds_a_secret() -> None:
    """Neither str, repr nor a format shows one, nor does a list or dict of them."""
    shown, secrets = await values()
    texts = [f"{value} {value!r} {[value]} { {'v': value} }" for value in shown]

    assert [(text, one) for text in texts for one in secrets if one in text] == []


async def test_values_in_clear_cannot_be_taken_apart() -> None:
    """dataclasses.asdict and pickle, as a careless log would use them, fail rather than show; what
    is stored is keyed hashes and password hashes only."""
    shown, secrets = await values()
    refused = set()
    for value in shown:
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            continue
        try:
            text = str(dataclasses.asdict(value)) + str(pickle.dumps(value))
        except TypeError as error:
            text = str(error)
            refused.add(type(value))
        if not isinstance(value, CodeRecord | PasswordRecord | AuthorisationRecord | Check):
            assert [one for one in secrets if one in text] == []

    in_clear = {NewCode, NewAuthorisation, IdentityDocument, Claim, PersonalWords}
    assert in_clear <= refused
