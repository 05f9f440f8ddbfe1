"""[timestamping]: the daemon's own time-stamping authority (RFC 3161)."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, Strict

from signerd.config.section import Section
from signerd.core.algorithm import KeyAlgorithm

_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,17})){2,20}")


def _check_oid(text: str) -> str:
    if _OID.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no object identifier; write it with dots, such as 1.2.3.4")
    return text


class TimestampingSettings(Section):
    """[timestamping]. algorithm is used by init, days by init and keeper."""

    enabled: bool = Field(default=True, description="make time stamps")
    policy: Annotated[str, AfterValidator(_check_oid)] = Field(
        default="1.3.6.1.4.1.99999.2",
        description="object identifier of the policy that time stamps are made under; use one of "
        "your own",
    )
    accuracy_ms: int = Field(
        default=1000,
        ge=1,
        le=60_000,
        description="how far the time in a time stamp may be off, as it says itself; a clock that "
        "may be wrong by more is not trusted",
    )
    allow_unsynchronised_clock: bool = Field(
        default=False,
        description="make time stamps although nothing keeps the machine's clock right; for test "
        "machines",
    )
    # RSA, for every verifier knows it.
    algorithm: Annotated[KeyAlgorithm, Strict(strict=False)] = Field(
        default=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        description="algorithm of the key that signs time stamps",
    )
    days: int = Field(
        default=1095,
        ge=30,
        le=3650,
        description="validity of its certificate, which is renewed when a third is left",
    )
    http_per_second: float = Field(
        default=50.0,
        gt=0,
        le=10_000,
        description="most time stamps a second over HTTP, where anybody may ask and each leaves "
        "an audit record",
    )
