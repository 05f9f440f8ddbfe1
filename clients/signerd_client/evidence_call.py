"""The calls of signerd.v1.Enrolment that register what a subscriber proves the identity with."""

from datetime import UTC, datetime
from typing import Final

from signerd.v1 import enrolment_pb2 as wire
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.name import subscriber_name

_SERVICE: Final = "/signerd.v1.Enrolment"


def set_password(
    subscriber: str,
    new_password: str,
    *,
    current_password: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[datetime]:
    """Set the first password of a subscriber, or change it: then with the one in force.

    new_password has 10 to 64 characters, must be hard to guess and none of the last ones. Returns
    when it has to be changed.
    """
    request = wire.SetPasswordRequest(
        subscriber=subscriber_name(subscriber),
        current_password=current_password,
        new_password=new_password,
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/SetPassword",
        request.SerializeToString(),
        decoder(wire.SetPasswordResponse, lambda answer: answer.expire_time.ToDatetime(UTC)),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def register_biometric_key(
    subscriber: str,
    public_key: bytes,
    *,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[None]:
    """Register the key with which the bank's app signs biometric assertions of a subscriber; it
    replaces an earlier one.

    public_key: SubjectPublicKeyInfo, DER: P-256, Ed25519 or RSA of at least 2048 bits.
    """
    request = wire.RegisterBiometricKeyRequest(
        subscriber=subscriber_name(subscriber),
        public_key=public_key,
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/RegisterBiometricKey",
        request.SerializeToString(),
        decoder(wire.RegisterBiometricKeyResponse, lambda _answer: None),
        timeout_s,
        request.request_id,
        is_change=True,
    )
