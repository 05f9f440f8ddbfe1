"""The rules of identity checks, read from a file and checked.

TOML; every table and key may be left out and has the default of its rule:

    [factors]
    issue = [["DOCUMENT"], ["PASSWORD", "BIOMETRIC"]]
    reissue = [["DOCUMENT"], ["PHONE_CODE"]]
    loss_report = [["*"], ["*"]]

    [lockout]        max_failures, lock_s, longest_s
    [code]           lifetime_s, resend_s, max_per_hour
    [password]       max_age_days, history
    [authorisation]  lifetime_days, max_tries
"""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from signerd.config.toml_file import invalid_file, read_toml
from signerd.core.evidence import EnrolmentPurpose, Factor
from signerd.identity.authorisation import AuthorisationRule
from signerd.identity.factor import ANY_FACTOR, DEFAULT_FACTORS, FactorGroup, FactorPolicy
from signerd.identity.lockout import DEFAULT_LOCKOUT, LockoutRule
from signerd.identity.one_time_code import CodeRule
from signerd.identity.password import PasswordRule

_ANY: Final = "*"
_CODE: Final = CodeRule()
_PASSWORD: Final = PasswordRule()
_AUTHORISATION: Final = AuthorisationRule()


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """All that a bank decides about identity checks."""

    factors: FactorPolicy = DEFAULT_FACTORS
    code: CodeRule = _CODE
    password: PasswordRule = _PASSWORD
    authorisation: AuthorisationRule = _AUTHORISATION


def _check_factor(text: str) -> str:
    if text == _ANY or text in Factor.__members__:
        return text
    raise ValueError(f"{text!r} is no factor; use {', '.join(Factor)}, or {_ANY} for any of them")


_Group = Annotated[list[Annotated[str, AfterValidator(_check_factor)]], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Factors(_Table):
    issue: list[_Group] | None = None
    reissue: list[_Group] | None = None
    loss_report: list[_Group] | None = None


class _Lockout(_Table):
    max_failures: int = Field(DEFAULT_LOCKOUT.max_failures, ge=1, le=20)
    lock_s: int = Field(DEFAULT_LOCKOUT.lock_s, ge=1, le=86_400)
    longest_s: int = Field(DEFAULT_LOCKOUT.longest_s, ge=1, le=2_592_000)


class _Code(_Table):
    lifetime_s: int = Field(_CODE.lifetime_s, ge=30, le=3600)
    resend_s: int = Field(_CODE.resend_s, ge=0, le=3600)
    max_per_hour: int = Field(_CODE.max_per_hour, ge=1, le=60)


class _Password(_Table):
    max_age_days: int = Field(_PASSWORD.max_age_days, ge=1, le=3650)
    history: int = Field(_PASSWORD.history, ge=1, le=24)


class _Authorisation(_Table):
    lifetime_days: int = Field(_AUTHORISATION.lifetime_days, ge=1, le=90)
    max_tries: int = Field(_AUTHORISATION.max_tries, ge=1, le=20)


class _IdentityFile(_Table):
    factors: _Factors = _Factors()
    lockout: _Lockout = _Lockout()
    code: _Code = _Code()
    password: _Password = _Password()
    authorisation: _Authorisation = _Authorisation()


def load_identity(path: Path) -> IdentityRules:
    """Read and check the file. Raises BootError (CONFIG_INVALID) with one line for each mistake,
    naming table and key."""
    document = read_toml(path)
    try:
        file = _IdentityFile.model_validate(document)
        factors = _factor_policy(file.factors)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise invalid_file(path, (_problem(detail) for detail in details)) from None
    except ValueError as error:
        raise invalid_file(path, [f"[factors] {error}"]) from None
    lockout = LockoutRule(**file.lockout.model_dump())
    return IdentityRules(
        factors=factors,
        code=CodeRule(**file.code.model_dump(), lockout=lockout),
        password=PasswordRule(**file.password.model_dump(), lockout=lockout),
        authorisation=AuthorisationRule(**file.authorisation.model_dump()),
    )


def _factor_policy(table: _Factors) -> FactorPolicy:
    given = {
        EnrolmentPurpose.ISSUE: table.issue,
        EnrolmentPurpose.REISSUE: table.reissue,
        EnrolmentPurpose.LOSS_REPORT: table.loss_report,
    }
    return FactorPolicy(
        MappingProxyType(
            {
                purpose: DEFAULT_FACTORS.groups[purpose]
                if groups is None
                else tuple(map(_group, groups))
                for purpose, groups in given.items()
            }
        )
    )


def _group(names: list[str]) -> FactorGroup:
    return ANY_FACTOR if _ANY in names else frozenset(map(Factor, names))


def _problem(detail: ErrorDetails) -> str:
    table, *rest = detail["loc"]
    where = f"[{table}] {'.'.join(str(part) for part in rest if isinstance(part, str))}".strip()
    match detail["type"]:
        case "extra_forbidden":
            return f"{where}: unknown"
        case "value_error":
            return f"{where}: {detail['ctx']['error']}"
        case _:
            return f"{where}: {detail['msg']}"
