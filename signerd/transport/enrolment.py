"""The Enrolment service: each part converts, calls the use case, converts back."""

from signerd.transport.enrolment_registry import RegistryCalls, RegistryUseCases
from signerd.transport.enrolment_step import StepCalls
from signerd.transport.enrolment_use import EnrolmentUseCases
from signerd.v1 import enrolment_pb2_grpc


class EnrolmentServicer(RegistryCalls, StepCalls, enrolment_pb2_grpc.EnrolmentServicer):
    """The whole service."""

    def __init__(self, registry: RegistryUseCases, enrolment: EnrolmentUseCases) -> None:
        RegistryCalls.__init__(self, registry)
        StepCalls.__init__(self, enrolment)
