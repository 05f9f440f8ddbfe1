"""A gRPC server of the real API, for what a real daemon rarely does.

It answers like a daemon with one key, and fails as a test has scripted: behaviours given for a
method are used up one by one by the calls that arrive.
"""

import functools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2_grpc

from signerd.v1 import (
    activation_pb2,
    admin_pb2,
    certificate_authority_pb2,
    document_signing_pb2,
    enrolment_pb2,
    login_pb2,
    signing_pb2,
    timestamping_pb2,
)
from tests.client.scripted_answer import Answers

Context = grpc.ServicerContext
Behaviour = Callable[[Context, Any], None]
"""Aborts the call, spoils its answer, waits, or does nothing."""

SERVICES = (
    certificate_authority_pb2.DESCRIPTOR.services_by_name["CertificateAuthority"],
    enrolment_pb2.DESCRIPTOR.services_by_name["Enrolment"],
    signing_pb2.DESCRIPTOR.services_by_name["Signing"],
    document_signing_pb2.DESCRIPTOR.services_by_name["DocumentSigning"],
    timestamping_pb2.DESCRIPTOR.services_by_name["Timestamping"],
    login_pb2.DESCRIPTOR.services_by_name["Login"],
    activation_pb2.DESCRIPTOR.services_by_name["Activation"],
    admin_pb2.DESCRIPTOR.services_by_name["Admin"],
)


def refuse(
    code: grpc.StatusCode,
    message: str,
    *,
    reason: str = "",
    field: str = "",
    retry_after_s: float | None = None,
    request_id: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Behaviour:
    """End a call as the daemon does: google.rpc.Status with details in the trailers."""
    status = status_pb2.Status(code=code.value[0], message=message)
    info = error_details_pb2.ErrorInfo(
        reason=reason or code.name, domain="signerd.v1", metadata=metadata
    )
    details: list[Message] = [info]
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(round(retry_after_s * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if request_id:
        details.append(error_details_pb2.RequestInfo(request_id=request_id))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)

    def behave(context: Context, _answer: object) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, message)

    return behave


class Script:
    """What calls arrived, and what the next ones shall meet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._behaviours: dict[str, deque[Behaviour]] = defaultdict(deque)
        self.requests: dict[str, list[Any]] = defaultdict(list)
        self.request_ids: dict[str, list[str]] = defaultdict(list)
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()

    def next_calls(self, method: str, *behaviours: Behaviour) -> None:
        """The next calls of a method meet these, one each."""
        self._behaviours[method].extend(behaviours)

    def clear(self, method: str) -> None:
        """The next calls of a method meet nothing any more."""
        with self._lock:
            self._behaviours[method].clear()

    def take(self, method: str, request: object) -> Behaviour | None:
        """Record a call; returns what it shall meet."""
        with self._lock:
            self.requests[method].append(request)
            waiting = self._behaviours[method]
            behaviour = waiting.popleft() if waiting else None
        self.arrived.release()
        return behaviour

    def hang(self, _context: Context, _answer: object) -> None:
        """A behaviour: do not answer before the daemon is stopped."""
        self.released.wait(60)


class ScriptedDaemon:
    """Serves the API on an address, over TLS or not; a context manager.

    With the script and answers of a daemon before it, it is that daemon restarted.
    """

    def __init__(
        self,
        address: str,
        credentials: grpc.ServerCredentials | None = None,
        *,
        before: "ScriptedDaemon | None" = None,
    ) -> None:
        self.script: Script = before.script if before else Script()
        self.answers: Answers = before.answers if before else Answers()
        self.health = health.HealthServicer()
        self.script.released.clear()
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        for service in SERVICES:
            handlers = {method.name: self._handler(method) for method in service.methods}
            handler = grpc.method_handlers_generic_handler(service.full_name, handlers)
            self._server.add_generic_rpc_handlers((handler,))
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        self.port = (
            self._server.add_secure_port(address, credentials)
            if credentials
            else self._server.add_insecure_port(address)
        )
        self._server.start()

    def stop(self) -> None:
        """Cut every connection and free the address."""
        stopped = self._server.stop(grace=None)
        self.script.released.set()
        stopped.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _handler(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
        request_type = message_factory.GetMessageClass(method.input_type)

        kind = (method.client_streaming, method.server_streaming)
        handlers: dict[tuple[bool, bool], Any] = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        behaviours: dict[tuple[bool, bool], Callable[..., Any]] = {
            (False, False): self._unary,
            (False, True): self._stream,
            (True, False): self._upload,
            (True, True): self._exchange,
        }
        handler: grpc.RpcMethodHandler[Any, Any] = handlers[kind](
            functools.partial(behaviours[kind], method.name),
            request_deserializer=request_type.FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
        return handler

    def _unary(self, name: str, request: Message, context: Context) -> Message:
        metadata = dict(context.invocation_metadata())
        self.script.request_ids[name].append(str(metadata.get("x-request-id")))
        behave = self.script.take(name, request)
        answer = self.answers.answer(name, request)
        if behave:
            behave(context, answer)
        return answer

    def _stream(self, name: str, request: Message, context: Context) -> Iterator[Message]:
        behave = self.script.take(name, request)
        for answer in self.answers.stream(request):
            yield answer
            if behave:
                behave(context, answer)

    def _exchange(self, name: str, requests: Iterator[Any], context: Context) -> Iterator[Message]:
        for request in requests:
            behave = self.script.take(name, request)
            answer = self.answers.sign_stream(request)
            if behave:
                behave(context, answer)
            yield answer

    def _upload(self, name: str, requests: Iterator[Any], context: Context) -> Message:
        answer = self.answers.sign_document(requests)
        behave = self.script.take(name, answer)
        if behave:
            behave(context, answer)
        return answer
