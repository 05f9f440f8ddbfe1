"""The tables of policy and the services of the API name the same calls."""

from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from signerd.policy.limit import RPC_LIMITS
from signerd.policy.permission import (
    EVERYBODY,
    ROLE_PERMISSIONS,
    RPC_PERMISSIONS,
    Permission,
    Role,
    roles_with,
)
from signerd.v1 import (
    activation_pb2,
    admin_pb2,
    certificate_authority_pb2,
    document_signing_pb2,
    enrolment_pb2,
    login_pb2,
    signing_pb2,
    timestamping_pb2,
    types_pb2,
)

_FILES: tuple[FileDescriptor, ...] = (
    activation_pb2.DESCRIPTOR,
    admin_pb2.DESCRIPTOR,
    certificate_authority_pb2.DESCRIPTOR,
    enrolment_pb2.DESCRIPTOR,
    document_signing_pb2.DESCRIPTOR,
    login_pb2.DESCRIPTOR,
    signing_pb2.DESCRIPTOR,
    timestamping_pb2.DESCRIPTOR,
    types_pb2.DESCRIPTOR,
    health_pb2.DESCRIPTOR,
    reflection_pb2.DESCRIPTOR,
)
# The installed reflection package has v1alpha alone; clients ask for v1 first, which has the
# same one method.
_REFLECTION_V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def _offered() -> set[str]:
    return {
        f"/{service.full_name}/{method.name}"
        for file in _FILES
        for service in file.services_by_name.values()
        for method in service.methods
    } | {_REFLECTION_V1}


def test_every_call_has_a_permission_and_a_limit() -> None:
    """No call of any service is missing from a table and no row of a table is stale."""
    offered = _offered()

    assert len(offered) > 13
    assert set(RPC_PERMISSIONS) == offered
    assert set(RPC_LIMITS) == offered


def test_every_permission_is_needed_and_held() -> None:
    """Each permission guards a call and somebody can have it."""
    assert set(RPC_PERMISSIONS.values()) == set(Permission)
    assert all(roles_with(one) for one in Permission if one not in EVERYBODY)


def test_no_role_has_what_belongs_to_another() -> None:
    """Issuing, signing and reading the audit record stay apart."""
    assert roles_with(Permission.CERTIFICATE_ISSUE) == (Role.RA_OFFICER,)
    assert roles_with(Permission.CERTIFICATE_REISSUE) == (Role.RA_OFFICER,)
    assert roles_with(Permission.SIGNATURE_CREATE) == (Role.SIGNER,)
    assert roles_with(Permission.AUDIT_READ) == (Role.OPERATOR, Role.AUDITOR)
    changing = {
        Permission.CERTIFICATE_ISSUE,
        Permission.CERTIFICATE_REISSUE,
        Permission.CERTIFICATE_REVOKE,
        Permission.SIGNATURE_CREATE,
    }
    assert not changing & ROLE_PERMISSIONS[Role.AUDITOR]


def test_every_role_may_ask_who_it_is() -> None:
    """Refusals send callers to `signerctl server info`, so it has to answer them."""
    assert roles_with(Permission.SERVER_GET) == tuple(Role)


def test_limits_are_bounds() -> None:
    """Every limit is a positive, finite number; only the rate may be open."""
    for rpc, limit in RPC_LIMITS.items():
        assert 0 < limit.max_request_bytes <= 67_108_864, rpc
        assert 0 < limit.max_deadline_s <= 86_400, rpc
        assert 1 <= limit.max_concurrent <= 4096, rpc
        assert limit.per_second is None or limit.per_second > 0, rpc
        assert limit.burst >= 1, rpc
