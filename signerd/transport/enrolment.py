"""The Enrolment service: each part converts, calls the use case, converts back."""

from signerd.transport.enrolment_registry import RegistryCalls
from signerd.v1 import enrolment_pb2_grpc


class EnrolmentServicer(RegistryCalls, enrolment_pb2_grpc.EnrolmentServicer):
    """The whole service."""
