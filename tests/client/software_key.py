"""Keys whose daemon is a software key in this process."""

from collections.abc import Callable

import google_crc32c
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.v1 import signing_pb2
from signerd_client import KeyAlgorithm, PublicKey, RemotePrivateKey, Signature
from signerd_client.call import Call
from signerd_client.remote_key import Signing, remote_private_key

SoftwareKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class SoftwareDaemon:
    """Keeps what it was sent, and signs it with a software key."""

    def __init__(self, sign: Callable[[signing_pb2.SignRequest], bytes]) -> None:
        self.requests: list[signing_pb2.SignRequest] = []
        self._sign = sign

    def run(self, call: Call[Signature]) -> Signature:
        """Answer a call as the daemon would."""
        request = signing_pb2.SignRequest.FromString(call.payload)
        self.requests.append(request)
        signature = self._sign(request)
        answer = signing_pb2.SignResponse(signature=signature, verified_input_crc32c=True)
        answer.signature_crc32c.value = google_crc32c.value(signature)
        return call.decode(answer.SerializeToString())


def remote_key(
    algorithm: KeyAlgorithm, software: SoftwareKey, daemon: SoftwareDaemon
) -> RemotePrivateKey:
    """The key as a client has it."""
    spki = software.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public = PublicKey("credentials/c", algorithm, spki, "certificates/4f")
    return remote_private_key(public, Signing(daemon.run))
