"""The CertificateAuthority service: each part converts, calls the use case, converts back."""

from signerd.transport.authority_change import ChangeCalls
from signerd.transport.authority_identity import IdentityCalls
from signerd.transport.authority_inventory import InventoryCalls
from signerd.transport.authority_issuance import IssuanceCalls
from signerd.transport.authority_query import QueryCalls
from signerd.v1 import certificate_authority_pb2_grpc


class CertificateAuthorityServicer(
    IssuanceCalls,
    ChangeCalls,
    QueryCalls,
    InventoryCalls,
    IdentityCalls,
    certificate_authority_pb2_grpc.CertificateAuthorityServicer,
):
    """The whole service."""
