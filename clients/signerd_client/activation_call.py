"""The calls of signerd.v1.Activation."""

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from signerd.v1 import activation_pb2 as wire
from signerd_client.activation import SentActivationCode, SigningAuthorisation
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.name import credential_name
from signerd_client.signing_call import digest_to_wire

_SERVICE: Final = "/signerd.v1.Activation"


def set_activation_pin(
    credential: str,
    new_pin: str,
    *,
    current_pin: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[None]:
    """Set the PIN of a credential, or change it: then the current one is needed. What was
    authorised before is withdrawn."""
    request = wire.SetActivationPinRequest(
        credential=credential_name(credential),
        new_pin=new_pin,
        current_pin=current_pin,
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/SetActivationPin",
        request.SerializeToString(),
        decoder(wire.SetActivationPinResponse, lambda _: None),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def send_activation_code(
    credential: str, *, request_id: str | None = None, timeout_s: float | None = None
) -> Call[SentActivationCode]:
    """Send a one-time code to the phone that is registered for the subscriber."""
    request = wire.SendActivationCodeRequest(
        credential=credential_name(credential), request_id=request_id or new_request_id()
    )
    return Call(
        f"{_SERVICE}/SendActivationCode",
        request.SerializeToString(),
        decoder(
            wire.SendActivationCodeResponse,
            lambda answer: SentActivationCode(answer.sent_to, answer.expire_time.ToDatetime(UTC)),
        ),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def authorize_signing(
    credential: str,
    *,
    pin: str | None = None,
    code: str | None = None,
    signature_count: int = 0,
    digests: Sequence[bytes] = (),
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[SigningAuthorisation]:
    """Exchange what the subscriber gave, exactly one of pin and code, for an authorisation that
    `sign` takes.

    signature_count: 0 is as many as digests, or 1. digests: what alone may be signed, by the hash
    of the key (for Ed25519 SHA-256 of each message); none is anything.
    """
    if (pin is None) == (code is None):
        raise ValueError("give either pin or code")
    request = wire.AuthorizeSigningRequest(
        credential=credential_name(credential),
        signature_count=signature_count,
        digests=[digest_to_wire(digest, None) for digest in digests],
        request_id=request_id or new_request_id(),
    )
    if pin is not None:
        request.pin = pin
    elif code is not None:
        request.code = code
    return Call(
        f"{_SERVICE}/AuthorizeSigning",
        request.SerializeToString(),
        decoder(wire.AuthorizeSigningResponse, _authorisation),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def unlock_activation(
    credential: str,
    *,
    reset_pin: bool = False,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[bool]:
    """Take the lock of a credential's activation away, and with reset_pin the PIN; returns whether
    a PIN is set."""
    request = wire.UnlockActivationRequest(
        credential=credential_name(credential),
        reset_pin=reset_pin,
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/UnlockActivation",
        request.SerializeToString(),
        decoder(wire.UnlockActivationResponse, lambda answer: answer.pin_set),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def _authorisation(answer: wire.AuthorizeSigningResponse) -> SigningAuthorisation:
    return SigningAuthorisation(
        authorisation=answer.authorisation,
        name=answer.name,
        signature_count=answer.signature_count,
        expire_time=answer.expire_time.ToDatetime(UTC),
    )
