"""The policy file, read and checked."""

import difflib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError
from pydantic_core import ErrorDetails

from signerd.config.toml_file import invalid_file, read_toml
from signerd.core.algorithm import KeyAlgorithm
from signerd.policy.algorithm import AlgorithmEnd, AlgorithmPolicy
from signerd.policy.grant import ANY, LOCAL_OPERATOR, Grant, Policy, RateOverride
from signerd.policy.permission import ROLE_PERMISSIONS, RPC_PERMISSIONS, Permission, Role

_PATTERN: Final = re.compile(r"[a-z0-9*-]{1,63}")
_URI: Final = re.compile(r"uri:[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_DNS: Final = re.compile(r"dns:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


def _check_principal(text: str) -> str:
    if text == LOCAL_OPERATOR or _URI.fullmatch(text) or _DNS.fullmatch(text):
        return text
    raise ValueError(
        f"{text!r} is no principal; use uri:URI or dns:host (lower case) as the client "
        f"certificate's subjectAltName has it, or {LOCAL_OPERATOR}"
    )


def _check_principal_or_any(text: str) -> str:
    return text if text == ANY else _check_principal(text)


def _check_pattern(text: str) -> str:
    if _PATTERN.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no pattern; use a-z, 0-9, hyphen and * for anything")
    return text


def _check_rpc(text: str) -> str:
    if text in RPC_PERMISSIONS:
        return text
    near = difflib.get_close_matches(text, RPC_PERMISSIONS, n=1, cutoff=0.0)
    raise ValueError(f"{text!r} is no call of the API; did you mean {near[0]!r}?")


_Patterns = Annotated[
    list[Annotated[str, AfterValidator(_check_pattern)]], Field(min_length=1), Strict()
]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _GrantEntry(_Entry):
    principal: Annotated[str, AfterValidator(_check_principal)]
    role: Annotated[Role, Strict(strict=False)]
    subscribers: _Patterns | None = None
    key_groups: _Patterns | None = None


class _LimitEntry(_Entry):
    principal: Annotated[str, AfterValidator(_check_principal_or_any)]
    rpc: Annotated[str, AfterValidator(_check_rpc)]
    per_second: float = Field(gt=0, le=1_000_000)
    burst: int = Field(ge=1, le=1_000_000)


class _AlgorithmEntry(_Entry):
    name: Annotated[KeyAlgorithm, Strict(strict=False)]
    until: date


class _PolicyFile(_Entry):
    grant: list[_GrantEntry] = []
    limit: list[_LimitEntry] = []
    algorithm: list[_AlgorithmEntry] = []


_ENTRIES: Final[dict[str, type[_Entry]]] = {
    "grant": _GrantEntry,
    "limit": _LimitEntry,
    "algorithm": _AlgorithmEntry,
}


def load_policy(path: Path) -> Policy:
    """Read and check the policy file.

    Raises BootError (CONFIG_INVALID) whose message has one line for each mistake, with the file
    and the number of the entry.
    """
    document = read_toml(path)
    try:
        file = _PolicyFile.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise invalid_file(path, (_problem(detail) for detail in details)) from None
    if problems := list(_contradictions(file)):
        raise invalid_file(path, problems)
    return Policy(
        grants=tuple(_grant(entry) for entry in file.grant),
        rates=tuple(
            RateOverride(entry.principal, entry.rpc, entry.per_second, entry.burst)
            for entry in file.limit
        ),
        algorithms=AlgorithmPolicy(
            tuple(AlgorithmEnd(entry.name, entry.until) for entry in file.algorithm)
        ),
    )


def _grant(entry: _GrantEntry) -> Grant:
    return Grant(
        entry.principal,
        entry.role,
        tuple(entry.subscribers or (ANY,)),
        tuple(entry.key_groups or (ANY,)),
    )


def _contradictions(file: _PolicyFile) -> Iterator[str]:
    for number, grant in enumerate(file.grant, 1):
        where = f"[[grant]] {number} ({grant.principal})"
        if grant.role is Role.SIGNER and not (grant.subscribers or grant.key_groups):
            yield (
                f"{where}: name the subscribers or key_groups this signer signs for; "
                'subscribers = ["*"] is everybody'
            )
        if grant.key_groups and Permission.CERTIFICATE_LIST in ROLE_PERMISSIONS[grant.role]:
            yield (
                f"{where}: key_groups limits signers; limit the role {grant.role} by subscribers"
            )
    seen: dict[tuple[str, str], int] = {}
    for number, limit in enumerate(file.limit, 1):
        first = seen.setdefault((limit.principal, limit.rpc), number)
        if first != number:
            yield f"[[limit]] {number} ({limit.principal}): entry {first} limits the same call"
    ended: dict[KeyAlgorithm, int] = {}
    for number, algorithm in enumerate(file.algorithm, 1):
        first = ended.setdefault(algorithm.name, number)
        if first != number:
            yield f"[[algorithm]] {number} ({algorithm.name}): entry {first} names the same one"


def _problem(detail: ErrorDetails) -> str:
    table, *rest = detail["loc"]
    if not rest and detail["type"] == "extra_forbidden":
        return f"unknown table {table}; use [[grant]], [[limit]] and [[algorithm]]"
    if not rest:
        return f"{table} is a list of tables; write [[{table}]]"
    number, *keys = rest
    key = ".".join(str(part) for part in keys if isinstance(part, str))
    return f"[[{table}]] {int(number) + 1}: {_entry_problem(str(table), key, detail)}"


def _entry_problem(table: str, key: str, detail: ErrorDetails) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key {key}{_nearest(table, key)}"
        case "missing":
            return f"{key} is missing"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}"
        case "enum":
            kind, known = ("role", Role) if table == "grant" else ("algorithm", KeyAlgorithm)
            return f"{key}: unknown {kind} {detail['input']!r}; use {', '.join(known)}"
        case _:
            return f"{key}: {detail['msg']}"


def _nearest(table: str, key: str) -> str:
    known = _ENTRIES[table].model_fields
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
