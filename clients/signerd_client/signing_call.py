"""The calls of signerd.v1.Signing."""

from datetime import UTC, datetime
from typing import Final

from signerd.v1 import signing_pb2 as wire
from signerd.v1 import types_pb2
from signerd_client.algorithm import (
    Hash,
    KeyAlgorithm,
    algorithm_from_wire,
    algorithm_to_wire,
    hash_of_digest,
)
from signerd_client.call import Call, decoder
from signerd_client.certificate import revocation_from_wire, state_from_wire
from signerd_client.checksum import checksum_of, matches, require
from signerd_client.moment import timestamp_to_wire
from signerd_client.name import certificate_name, credential_name
from signerd_client.signature import PublicKey, Signature, Verification, problems_from_wire

_SERVICE: Final = "/signerd.v1.Signing"


def get_public_key(credential: str, *, timeout_s: float | None = None) -> Call[PublicKey]:
    """Return the public key of a credential."""
    request = wire.GetPublicKeyRequest(credential=credential_name(credential))
    return Call(
        f"{_SERVICE}/GetPublicKey",
        request.SerializeToString(),
        decoder(wire.GetPublicKeyResponse, _public_key),
        timeout_s,
    )


def sign(
    credential: str,
    *,
    data: bytes | None = None,
    digest: bytes | None = None,
    hash_algorithm: Hash | None = None,
    purpose: str = "",
    authorisation: str = "",
    timeout_s: float | None = None,
) -> Call[Signature]:
    """Sign data, or a digest of it, with the algorithm that belongs to the key.

    Exactly one of data and digest is given; otherwise ValueError. hash_algorithm is the hash
    that made the digest; None derives it from the length. purpose is put on the daemon's audit
    record; authorisation is the subscriber's agreement, where the credential requires one.
    Checksums are verified both ways.
    """
    request = sign_request(
        credential, data, digest, hash_algorithm, purpose=purpose, authorisation=authorisation
    )
    return Call(
        f"{_SERVICE}/Sign",
        request.SerializeToString(),
        decoder(wire.SignResponse, signature_from),
        timeout_s,
    )


def sign_request(
    credential: str,
    data: bytes | None,
    digest: bytes | None,
    hash_algorithm: Hash | None,
    *,
    purpose: str,
    authorisation: str,
) -> wire.SignRequest:
    """The request of Sign. Raises ValueError unless exactly one of data and digest is given."""
    sent = _one_of(data, digest)
    request = wire.SignRequest(
        credential=credential_name(credential),
        input_crc32c=checksum_of(sent),
        purpose=purpose,
        authorisation=authorisation,
    )
    if data is not None:
        request.data = data
    else:
        request.digest.CopyFrom(digest_to_wire(sent, hash_algorithm))
    return request


def verify(
    signature: bytes,
    *,
    credential: str | None = None,
    certificate: str | bytes | None = None,
    data: bytes | None = None,
    digest: bytes | None = None,
    hash_algorithm: Hash | None = None,
    verify_time: datetime | None = None,
    key_algorithm: KeyAlgorithm | str | None = None,
    timeout_s: float | None = None,
) -> Call[Verification]:
    """Say whether a signature by the key of a credential or of a certificate counts.

    Exactly one of credential and certificate (name, serial number, or the certificate itself, DER),
    and one of data and digest, is given; otherwise ValueError. verify_time is when it was signed,
    as the caller knows from a source it trusts; None is now. key_algorithm is needed for RSA keys
    that are not on the token. A signature that does not count is an answer, not an error.
    """
    if (credential is None) == (certificate is None):
        raise ValueError("give either credential or certificate")
    request = wire.VerifyRequest(signature=signature, verify_time=timestamp_to_wire(verify_time))
    if isinstance(certificate, bytes):
        request.certificate_der = certificate
    elif certificate is not None:
        request.certificate = certificate_name(certificate)
    elif credential is not None:
        request.credential = credential_name(credential)
    if key_algorithm is not None:
        request.key_algorithm = algorithm_to_wire(key_algorithm)
    sent = _one_of(data, digest)
    if data is not None:
        request.data = data
    else:
        request.digest.CopyFrom(digest_to_wire(sent, hash_algorithm))
    return Call(
        f"{_SERVICE}/Verify",
        request.SerializeToString(),
        decoder(wire.VerifyResponse, _verification),
        timeout_s,
    )


def _one_of(data: bytes | None, digest: bytes | None) -> bytes:
    if data is not None and digest is None:
        return data
    if digest is not None and data is None:
        return digest
    raise ValueError("give either data or digest")


def digest_to_wire(digest: bytes, hash_algorithm: Hash | None) -> types_pb2.Digest:
    """hash_algorithm: None derives it from the length. Raises ValueError for one of no hash."""
    match hash_algorithm or hash_of_digest(digest):
        case Hash.SHA256:
            return types_pb2.Digest(sha256=digest)
        case Hash.SHA384:
            return types_pb2.Digest(sha384=digest)
        case Hash.SHA512:
            return types_pb2.Digest(sha512=digest)


def _public_key(answer: wire.GetPublicKeyResponse) -> PublicKey:
    if answer.HasField("public_key_crc32c"):
        require(matches(answer.public_key, answer.public_key_crc32c), "the public key received")
    return PublicKey(
        credential=answer.credential,
        key_algorithm=algorithm_from_wire(answer.key_algorithm),
        public_key=answer.public_key,
        certificate=answer.certificate,
    )


def signature_from(answer: wire.SignResponse) -> Signature:
    """Raises Corrupted."""
    require(answer.verified_input_crc32c, "the input as the daemon received it")
    require(
        answer.HasField("signature_crc32c") and matches(answer.signature, answer.signature_crc32c),
        "the signature received",
    )
    return Signature(
        signature=answer.signature,
        credential=answer.credential,
        key_algorithm=algorithm_from_wire(answer.key_algorithm),
        certificate=answer.certificate,
    )


def _verification(answer: wire.VerifyResponse) -> Verification:
    state = answer.certificate_state
    moment = answer.verify_time.ToDatetime(UTC) if answer.HasField("verify_time") else None
    return Verification(
        valid=answer.valid,
        signature_valid=answer.signature_valid,
        problems=problems_from_wire(answer.problems),
        credential=answer.credential,
        key_algorithm=algorithm_from_wire(answer.key_algorithm),
        certificate=answer.certificate,
        subscriber=answer.subscriber,
        certificate_state=state_from_wire(state) if state else None,
        revocation=revocation_from_wire(answer),
        verify_time=moment,
    )
