"""The calls of signerd.v1.Login."""

from datetime import UTC
from typing import Final

from signerd.v1 import login_pb2 as wire
from signerd_client.algorithm import KeyAlgorithm, algorithm_to_wire
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.certificate import state_from_wire
from signerd_client.login import LOGIN_PURPOSE, Challenge, Login, login_statement
from signerd_client.name import certificate_name, credential_name, subscriber_name
from signerd_client.signature import Signature, problems_from_wire
from signerd_client.signing_call import sign

_SERVICE: Final = "/signerd.v1.Login"


def create_challenge(
    domain: str, *, subscriber: str = "", certificate: str = "", timeout_s: float | None = None
) -> Call[Challenge]:
    """Make a challenge for this relying party; it counts once and for a short time.

    domain: what the customer knows the relying party by. subscriber, certificate: who alone may
    answer. A repetition makes another challenge.
    """
    request = wire.CreateChallengeRequest(
        domain=domain,
        subscriber=subscriber_name(subscriber) if subscriber else "",
        certificate=certificate_name(certificate) if certificate else "",
    )
    return Call(
        f"{_SERVICE}/CreateChallenge",
        request.SerializeToString(),
        decoder(wire.CreateChallengeResponse, _challenge),
        timeout_s,
    )


def sign_login(
    credential: str,
    statement: str | bytes,
    *,
    domain: str,
    authorisation: str = "",
    timeout_s: float | None = None,
) -> Call[Signature]:
    """Sign a challenge to log in with domain, where the customer wants to.

    Raises ValueError for what is no challenge, and for one of another domain: somebody may be
    passing it on.
    """
    read = login_statement(statement)
    if read.domain != domain:
        raise ValueError(
            f"the challenge is of {read.domain}, not of {domain}: somebody may be passing on "
            "another's challenge; do not sign it"
        )
    return sign(
        credential,
        data=read.data,
        purpose=LOGIN_PURPOSE,
        authorisation=authorisation,
        timeout_s=timeout_s,
    )


def verify_challenge_response(
    statement: str,
    signature: bytes,
    *,
    credential: str | None = None,
    certificate: str | bytes | None = None,
    key_algorithm: KeyAlgorithm | str | None = None,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[Login]:
    """Judge the response to a challenge of this relying party, and use the challenge up when it
    counts.

    Exactly one of credential and certificate (name, serial number, or the certificate itself, DER)
    is given; otherwise ValueError. A response that does not count is an answer, not an error; a
    challenge that was used, has ended or is unknown is an error.
    """
    if (credential is None) == (certificate is None):
        raise ValueError("give either credential or certificate")
    request = wire.VerifyChallengeResponseRequest(
        statement=statement, signature=signature, request_id=request_id or new_request_id()
    )
    if isinstance(certificate, bytes):
        request.certificate_der = certificate
    elif certificate is not None:
        request.certificate = certificate_name(certificate)
    elif credential is not None:
        request.credential = credential_name(credential)
    if key_algorithm is not None:
        request.key_algorithm = algorithm_to_wire(key_algorithm)
    return Call(
        f"{_SERVICE}/VerifyChallengeResponse",
        request.SerializeToString(),
        decoder(wire.VerifyChallengeResponseResponse, _login),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def _challenge(answer: wire.CreateChallengeResponse) -> Challenge:
    return Challenge(answer.statement, answer.expire_time.ToDatetime(UTC))


def _login(answer: wire.VerifyChallengeResponseResponse) -> Login:
    state = answer.certificate_state
    return Login(
        valid=answer.valid,
        problems=problems_from_wire(answer.problems),
        subscriber=answer.subscriber,
        certificate=answer.certificate,
        certificate_state=state_from_wire(state) if state else None,
    )
