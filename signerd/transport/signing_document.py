"""A document that is hashed as it arrives."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Final

import google_crc32c

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.signing.login_statement import LOGIN_PREFIX, check_purpose
from signerd.signing.sign import Sign, SignInput, SignRequest
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.transport.signing_batch import write_signature
from signerd.v1 import signing_pb2 as pb
from signerd.v1 import types_pb2

# So long the signature may take once the document is there.
_ALLOWED_S: Final = 30.0
# A bigger piece is hashed in a thread: here it would hold up every other call.
_AT_ONCE: Final = 32_768


async def sign_document(
    use_case: Sign, messages: AsyncIterator[pb.SignDocumentRequest]
) -> pb.SignDocumentResponse:
    """Signing.SignDocument. A piece is read when the one before has been hashed."""
    caller = current_caller.get()
    first = await anext(messages, None)
    if first is None:
        raise InvalidRequest("send a document", reason="INPUT_MISSING", field="chunk")
    credential_id = convert.credential_from(first.credential)
    document = _Document(await use_case.hash_for_document(credential_id, caller.scope))
    await document.take(first)
    async for message in messages:
        if message.credential or message.authorisation or message.purpose:
            raise InvalidRequest(
                "credential, authorisation and purpose belong into the first message",
                reason="SEQUENCE_BROKEN",
                field="credential",
            )
        await document.take(message)
    # The digest does not show what it is of.
    check_purpose(first.purpose, document.head, is_data=True)
    digest = document.digest()
    signature, credential = await use_case.sign(
        SignRequest(
            credential_id,
            SignInput(digest, document.hash),
            caller.principal,
            caller.request_id,
            caller.scope_now(),
            min(caller.deadline, time.monotonic() + _ALLOWED_S),
            first.authorisation,
            first.purpose,
        )
    )
    response = pb.SignDocumentResponse(
        digest=types_pb2.Digest(**{document.hash.value: digest}), size=document.size
    )
    write_signature(response.response, signature, credential, is_verified=document.has_checksum)
    return response


class _Document:
    """What has arrived, as its hash and checksum. head: as much of it as tells a login."""

    def __init__(self, hash_: Hash) -> None:
        self.hash = hash_
        self.size = 0
        self.has_checksum = False
        self.head = b""
        self._hashed = hashlib.new(hash_.value)
        self._checksum = 0

    async def take(self, message: pb.SignDocumentRequest) -> None:
        """Raises InvalidRequest for a checksum that does not match, or is not the end."""
        chunk = message.chunk
        if chunk and self.has_checksum:
            raise InvalidRequest(
                "document_crc32c belongs into the last message",
                reason="SEQUENCE_BROKEN",
                field="document_crc32c",
            )
        if len(chunk) > _AT_ONCE:
            await asyncio.to_thread(self._add, chunk)
        else:
            self._add(chunk)
        if message.HasField("document_crc32c"):
            self.has_checksum = True
            if message.document_crc32c.value != self._checksum:
                raise InvalidRequest(
                    "document_crc32c does not match the document: it was changed on the way or "
                    "summed up wrongly; send it again",
                    reason="CHECKSUM_MISMATCH",
                    field="document_crc32c",
                )

    def digest(self) -> bytes:
        """Of all of it."""
        return self._hashed.digest()

    def _add(self, chunk: bytes) -> None:
        self.head += chunk[: len(LOGIN_PREFIX) - len(self.head)]
        self._hashed.update(chunk)
        self._checksum = google_crc32c.extend(self._checksum, chunk)
        self.size += len(chunk)
