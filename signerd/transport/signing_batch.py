"""Many signatures in one message."""

from collections.abc import Iterable, Sequence
from typing import Final

from signerd.core.error import InvalidRequest, SignerdError
from signerd.core.record import CredentialRecord
from signerd.core.signing import Lane
from signerd.policy.decide import Scope
from signerd.signing.batch_sign import BatchSign, SignOutcome
from signerd.signing.sign import SignRequest
from signerd.transport import conversion as convert
from signerd.transport.caller import Caller, current_caller
from signerd.transport.error_map import item_error
from signerd.v1 import signing_pb2 as pb

MOST: Final = 1000
_MOST_INTERACTIVE: Final = 64


async def batch_sign(use_case: BatchSign, message: pb.BatchSignRequest) -> pb.BatchSignResponse:
    """Signing.BatchSign."""
    caller = current_caller.get()
    requests = message.requests
    if not requests:
        raise InvalidRequest("send what to sign", reason="INPUT_MISSING", field="requests")
    check_count(len(requests))
    lane = convert.lane_from(message.lane, Lane.BATCH)
    check_lane(lane, len(requests))
    batch = SignBatch(caller, caller.scope, caller.deadline)
    batch.read(requests, message.credential, message.purpose)
    return pb.BatchSignResponse(results=batch.results(await use_case.sign(batch.requests, lane)))


def check_count(count: int) -> None:
    """Raises InvalidRequest."""
    if count > MOST:
        raise InvalidRequest(
            f"at most {MOST} requests in a message, these are {count}",
            reason="BATCH_TOO_LARGE",
            field="requests",
        )


def check_lane(lane: Lane, count: int) -> None:
    """Raises InvalidRequest for a batch that would hold up those who wait."""
    if lane is Lane.INTERACTIVE and count > _MOST_INTERACTIVE:
        raise InvalidRequest(
            f"the interactive lane is for at most {_MOST_INTERACTIVE} signatures a call, these are "
            f"{count}; take the batch lane",
            reason="BATCH_TOO_LARGE",
            field="lane",
        )


class SignBatch:
    """The requests of one caller between API and use case. deadline: time.monotonic()."""

    def __init__(self, caller: Caller, scope: Scope, deadline: float) -> None:
        self.requests: list[SignRequest | SignerdError] = []
        self._verified: list[bool] = []
        self._caller = caller
        self._scope = scope
        self._deadline = deadline

    def read(self, messages: Iterable[pb.SignRequest], credential: str, purpose: str) -> None:
        """Add requests; what is wrong with one is its own matter. credential and purpose: of those
        that name none."""
        caller = self._caller
        for message in messages:
            is_verified = False
            try:
                content = convert.input_from(message)
                is_verified = convert.check_crc32c(message, content.content)
                request: SignRequest | SignerdError = SignRequest(
                    convert.credential_from(message.credential or credential),
                    content,
                    caller.principal,
                    caller.request_id,
                    self._scope,
                    self._deadline,
                    message.authorisation,
                    message.purpose or purpose,
                )
            except InvalidRequest as error:
                request = error
            self.requests.append(request)
            self._verified.append(is_verified)

    def results(self, outcomes: Sequence[SignOutcome]) -> list[pb.SignResult]:
        """In the order of the requests."""
        return [
            pb.SignResult(error=item_error(outcome, self._caller.request_id))
            if isinstance(outcome, SignerdError)
            else pb.SignResult(
                response=sign_response(
                    outcome.signature, outcome.credential, is_verified=is_verified
                )
            )
            for outcome, is_verified in zip(outcomes, self._verified, strict=True)
        ]


def sign_response(
    signature: bytes, credential: CredentialRecord, *, is_verified: bool
) -> pb.SignResponse:
    """A signature as the API has it."""
    return pb.SignResponse(
        signature=signature,
        signature_crc32c=convert.crc32c_of(signature),
        verified_input_crc32c=is_verified,
        credential=f"credentials/{credential.credential_id}",
        key_algorithm=convert.algorithm_to(credential.algorithm),
        certificate=f"certificates/{credential.certificate}" if credential.certificate else "",
    )
