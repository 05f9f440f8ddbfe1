"""Every exception of python-pkcs11 has its family."""

import inspect

import pytest
from pkcs11 import exceptions

from signerd.core import error as core_error
from signerd.core.error import Internal, SignerdError, TokenUnavailable
from signerd.tokens.error import VERDICTS, PinRefused, Pkcs11Errors, SessionLost, translate
from signerd.tokens.frame import error_of, failure


def library_exceptions() -> set[type[Exception]]:
    """What the library can raise."""
    return {
        it
        for _, it in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(it, exceptions.PKCS11Error)
    }


def test_table_is_exhaustive() -> None:
    """A new version of the library with a new exception fails here."""
    assert library_exceptions() == set(VERDICTS)


def test_every_error_of_the_table_says_what_to_do() -> None:
    """Each translation belongs to a family and has reason and advice."""
    for kind, verdict in VERDICTS.items():
        error = translate(kind("text of the module"), "authority/1: sign")
        assert isinstance(error, verdict.family)
        assert error.reason == verdict.reason
        assert verdict.advice in error.message
        assert "text of the module" not in error.message


def test_unknown_exception_is_a_defect() -> None:
    """An exception that the table lacks is not taken for something harmless."""

    class Newcomer(exceptions.PKCS11Error):
        pass

    with pytest.raises(Internal), Pkcs11Errors("pool-1/1: sign"):
        raise Newcomer


def test_other_exceptions_pass() -> None:
    """Only the library's exceptions are translated."""
    with pytest.raises(ZeroDivisionError), Pkcs11Errors("pool-1/1: sign"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "family",
    [
        it
        for it in vars(core_error).values()
        if isinstance(it, type) and issubclass(it, SignerdError)
    ],
)
def test_error_crosses_the_socket(family: type[SignerdError]) -> None:
    """Family, reason, message and retry time arrive as they were sent."""
    there = error_of(failure(7, family("what to do", reason="WHY", retry_after_s=1.5)))
    assert type(there) is family
    assert (there.message, there.reason, there.retry_after_s) == ("what to do", "WHY", 1.5)


@pytest.mark.parametrize("kind", [SessionLost, PinRefused])
def test_inner_errors_arrive_as_their_family(kind: type[TokenUnavailable]) -> None:
    """Errors that only this room knows become the family they belong to."""
    assert type(error_of(failure(1, kind("gone")))) is TokenUnavailable
