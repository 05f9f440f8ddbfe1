"""Signing a document of any size: what is sent and what comes back, for both clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import google_crc32c

from signerd.v1 import signing_pb2 as wire
from signerd_client.call import Call, decoder
from signerd_client.name import credential_name
from signerd_client.signature import Signature
from signerd_client.signing_call import signature_from

_METHOD: Final = "/signerd.v1.Signing/SignDocument"
_CHUNK: Final = 256 * 1024
_PATIENCE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class DocumentCall:
    """What `sign_document` was called with. call: without its payload, which is read when it is
    sent; can_repeat: whether it can be read again."""

    call: Call[Signature]
    open: Callable[[], AbstractContextManager[BinaryIO]]
    can_repeat: bool
    head: wire.SignDocumentRequest = field(repr=False)

    def messages(self) -> Iterator[bytes]:
        """What is sent, piece by piece; raises OSError where the document cannot be read."""
        message = self.head
        checksum = 0
        with self.open() as document:
            while chunk := document.read(_CHUNK):
                checksum = google_crc32c.extend(checksum, chunk)
                yield wire.SignDocumentRequest(
                    credential=message.credential,
                    authorisation=message.authorisation,
                    purpose=message.purpose,
                    chunk=chunk,
                ).SerializeToString()
                message = wire.SignDocumentRequest()
        last = wire.SignDocumentRequest()
        last.CopyFrom(message)
        last.document_crc32c.value = checksum
        yield last.SerializeToString()


class DocumentSource:
    """The messages of one attempt. problem: why reading ended early, which gRPC would keep."""

    def __init__(self, document: DocumentCall) -> None:
        self.problem: OSError | None = None
        self._messages = document.messages()

    def __iter__(self) -> Iterator[bytes]:
        while (message := self._next()) is not None:
            yield message

    async def read_in_threads(self) -> AsyncIterator[bytes]:
        """The same for an event loop, which reading would hold up."""
        while (message := await asyncio.to_thread(self._next)) is not None:
            yield message

    def _next(self) -> bytes | None:
        try:
            return next(self._messages, None)
        except OSError as error:
            self.problem = error
            raise


def sign_document(
    credential: str,
    document: Path | BinaryIO,
    *,
    purpose: str = "",
    authorisation: str = "",
    timeout_s: float | None = None,
) -> DocumentCall:
    """Sign a document of any size, which the daemon hashes as it arrives.

    document: a file, or something open for reading bytes; only a file is sent again where that
    may help. Not for Ed25519. purpose and authorisation are as in `sign`. timeout_s is an hour
    unless given. Raises OSError too, for a file that cannot be read.
    """
    head = wire.SignDocumentRequest(
        credential=credential_name(credential), purpose=purpose, authorisation=authorisation
    )
    patience_s = _PATIENCE_S if timeout_s is None else timeout_s
    decode = decoder(wire.SignDocumentResponse, lambda it: signature_from(it.response))
    call = Call(_METHOD, b"", decode, patience_s)
    if isinstance(document, Path):
        return DocumentCall(call, lambda: document.open("rb"), can_repeat=True, head=head)
    return DocumentCall(call, lambda: nullcontext(document), can_repeat=False, head=head)
