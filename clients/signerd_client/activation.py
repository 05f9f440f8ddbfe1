"""Activation: the subscriber's agreement to the use of a key."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from signerd.v1 import types_pb2

UNAUTHORISED: Final = frozenset(
    {"ACTIVATION_REQUIRED", "AUTHORISATION_EXPIRED", "AUTHORISATION_USED_UP"}
)
"""Reasons of a refusal that another agreement of the subscriber cures."""

_PREFIX: Final = "ACTIVATION_MODE_"


class ActivationMode(StrEnum):
    """Whether a key signs with its subscriber's agreement only. UNKNOWN: a mode that this version
    of the client does not know."""

    NONE = "NONE"
    REQUIRED = "REQUIRED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class SentActivationCode:
    """Where a one-time code was sent, masked, and when it lapses."""

    sent_to: str
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class SigningAuthorisation:
    """An agreement to sign. authorisation: the secret to sign with; name: its name on the audit
    record, no secret. signature_count: signatures that it is good for."""

    authorisation: str = field(repr=False)
    name: str
    signature_count: int
    expire_time: datetime


def mode_from_wire(number: int) -> ActivationMode:
    """NONE for unspecified, which older daemons send."""
    if number == types_pb2.ACTIVATION_MODE_UNSPECIFIED:
        return ActivationMode.NONE
    value = types_pb2.ActivationMode.DESCRIPTOR.values_by_number.get(number)
    name = value.name.removeprefix(_PREFIX) if value else ""
    return ActivationMode(name) if name in ActivationMode.__members__ else ActivationMode.UNKNOWN


def mode_to_wire(mode: ActivationMode | str) -> types_pb2.ActivationMode.ValueType:
    """Raises ValueError for a name that is no mode."""
    if mode not in (ActivationMode.NONE, ActivationMode.REQUIRED):
        raise ValueError(f"{mode!r} is no activation; choose NONE or REQUIRED")
    return types_pb2.ActivationMode.Value(_PREFIX + mode)
