"""The gRPC server of a front."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from signerd.core.boot import BootError, ExitCode
from signerd.transport.activation import ActivationServicer
from signerd.transport.admin import AdminServicer
from signerd.transport.certificate_authority import CertificateAuthorityServicer
from signerd.transport.document_signing import DocumentSigningServicer
from signerd.transport.enrolment import EnrolmentServicer
from signerd.transport.health import HealthWatch
from signerd.transport.interceptor import GuardInterceptor
from signerd.transport.login import LoginServicer
from signerd.transport.signing import SigningServicer
from signerd.transport.timestamping import TimestampingServicer
from signerd.transport.tls import TlsMaterial
from signerd.v1 import (
    activation_pb2,
    activation_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    certificate_authority_pb2,
    certificate_authority_pb2_grpc,
    document_signing_pb2,
    document_signing_pb2_grpc,
    enrolment_pb2,
    enrolment_pb2_grpc,
    login_pb2,
    login_pb2_grpc,
    signing_pb2,
    signing_pb2_grpc,
    timestamping_pb2,
    timestamping_pb2_grpc,
)

SERVICES = (
    certificate_authority_pb2.DESCRIPTOR.services_by_name["CertificateAuthority"].full_name,
    enrolment_pb2.DESCRIPTOR.services_by_name["Enrolment"].full_name,
    signing_pb2.DESCRIPTOR.services_by_name["Signing"].full_name,
    document_signing_pb2.DESCRIPTOR.services_by_name["DocumentSigning"].full_name,
    timestamping_pb2.DESCRIPTOR.services_by_name["Timestamping"].full_name,
    login_pb2.DESCRIPTOR.services_by_name["Login"].full_name,
    activation_pb2.DESCRIPTOR.services_by_name["Activation"].full_name,
    admin_pb2.DESCRIPTOR.services_by_name["Admin"].full_name,
)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where the server listens and what it bears. listen: host:port; admin_socket: Unix path."""

    listen: str
    admin_socket: Path
    max_message_bytes: int
    max_concurrent_calls: int


@dataclass(frozen=True, slots=True)
class Servicers:
    """What the server offers."""

    certificate_authority: CertificateAuthorityServicer
    enrolment: EnrolmentServicer
    signing: SigningServicer
    document_signing: DocumentSigningServicer
    timestamping: TimestampingServicer
    login: LoginServicer
    activation: ActivationServicer
    admin: AdminServicer
    health: HealthWatch


def build_server(
    options: ServerOptions, servicers: Servicers, guard: GuardInterceptor, tls: TlsMaterial
) -> grpc.aio.Server:
    """A server that shares its port with the other fronts (SO_REUSEPORT).

    Raises BootError (ADDRESS_IN_USE) when it cannot listen.
    """
    server = grpc.aio.server(interceptors=[guard], options=_channel_options(options))
    certificate_authority_pb2_grpc.add_CertificateAuthorityServicer_to_server(
        servicers.certificate_authority, server
    )
    enrolment_pb2_grpc.add_EnrolmentServicer_to_server(servicers.enrolment, server)
    signing_pb2_grpc.add_SigningServicer_to_server(servicers.signing, server)
    document_signing_pb2_grpc.add_DocumentSigningServicer_to_server(
        servicers.document_signing, server
    )
    timestamping_pb2_grpc.add_TimestampingServicer_to_server(servicers.timestamping, server)
    login_pb2_grpc.add_LoginServicer_to_server(servicers.login, server)
    activation_pb2_grpc.add_ActivationServicer_to_server(servicers.activation, server)
    admin_pb2_grpc.add_AdminServicer_to_server(servicers.admin, server)
    health_pb2_grpc.add_HealthServicer_to_server(servicers.health.servicer, server)
    reflection.enable_server_reflection(
        (
            *SERVICES,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        ),
        server,
    )
    _listen(server, options, tls)
    return server


def _listen(server: grpc.aio.Server, options: ServerOptions, tls: TlsMaterial) -> None:
    options.admin_socket.unlink(missing_ok=True)
    try:
        server.add_secure_port(options.listen, tls.credentials())
        server.add_insecure_port(f"unix:{options.admin_socket}")
    except RuntimeError:
        raise BootError(
            ExitCode.ADDRESS_IN_USE,
            f"cannot listen on {options.listen} or {options.admin_socket}: the address is in use "
            "or not of this machine; choose another in [server] listen",
        ) from None


def _channel_options(options: ServerOptions) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_send_message_length", 16 * 1024 * 1024),
        ("grpc.max_concurrent_streams", options.max_concurrent_calls),
        # What a client may send ahead of being read. gRPC would find out how much the way holds,
        # which for one fast upload came to 200 MiB of memory.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 1_048_576),
        # A client that is gone without a word is noticed within half a minute.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Clients may ping this often without being thrown out.
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
