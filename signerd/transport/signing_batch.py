"""Many signatures in one message."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from signerd.core.value import CredentialId

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
    outcomes = await use_case.sign(batch.requests, lane)
    response = pb.BatchSignResponse()
    batch.write(outcomes, response.results.add)
    return response


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
        self._ids: dict[str, CredentialId] = {}

    def read(self, messages: Iterable[pb.SignRequest], credential: str, purpose: str) -> None:
        """Add requests; what is wrong with one is its own matter. credential and purpose: of those
        that name none."""
        principal, request_id = self._caller.principal, self._caller.request_id
        scope, deadline, ids = self._scope, self._deadline, self._ids
        for message in messages:
            is_verified = False
            try:
                content = convert.input_from(message)
                is_verified = convert.check_crc32c(message, content.content)
                name = message.credential or credential
                credential_id = ids.get(name)
                if credential_id is None:
                    credential_id = ids[name] = convert.credential_from(name)
                request: SignRequest | SignerdError = SignRequest(
                    credential_id,
                    content,
                    principal,
                    request_id,
                    scope,
                    deadline,
                    message.authorisation,
                    message.purpose or purpose,
                )
            except InvalidRequest as error:
                request = error
            self.requests.append(request)
            self._verified.append(is_verified)

    def write(self, outcomes: Sequence[SignOutcome], add: Callable[[], pb.SignResult]) -> None:
        """Fill in results in the order of the requests. add: makes the next one in its place,
        because protobuf copies what is made elsewhere."""
        for outcome, is_verified in zip(outcomes, self._verified, strict=True):
            if isinstance(outcome, SignerdError):
                add().error.CopyFrom(item_error(outcome, self._caller.request_id))
            else:
                signature, credential = outcome
                write_signature(add().response, signature, credential, is_verified=is_verified)


def write_signature(
    response: pb.SignResponse,
    signature: bytes,
    credential: CredentialRecord,
    *,
    is_verified: bool,
) -> None:
    """Fill in a signature as the API has it."""
    response.signature = signature
    response.signature_crc32c.value = convert.crc32c(signature)
    response.verified_input_crc32c = is_verified
    response.credential = f"credentials/{credential.credential_id}"
    response.key_algorithm = convert.algorithm_to(credential.algorithm)
    if credential.certificate:
        response.certificate = f"certificates/{credential.certificate}"
