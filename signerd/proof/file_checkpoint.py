"""Write checkpoints into the checkpoint file too, and notice when it knows more than the store."""

import asyncio

from signerd.core.error import NotFound, WrongState
from signerd.proof.checkpoint_file import CheckpointFile
from signerd.proof.ports import CheckpointStore

_AT_ONCE = 100


class FileCheckpoints:
    """Brings the file up to what the store has."""

    def __init__(self, file: CheckpointFile, store: CheckpointStore) -> None:
        self._file = file
        self._store = store
        self._reached: int | None = None

    def forget(self) -> None:
        """Look at the file again the next time: another keeper may have written since."""
        self._reached = None

    async def run_once(self) -> None:
        """Append what the file lacks.

        Raises WrongState (AUDIT_ROLLED_BACK) when the end of the file is not in the store: then the
        store was put back to an older state. ServiceUnavailable (CHECKPOINT_FILE_FAILED),
        StoreUnavailable.
        """
        if self._reached is None:
            self._reached = await self.agreed()
        while missing := await self._store.after(self._reached, _AT_ONCE):
            await asyncio.to_thread(self._file.append, missing)
            self._reached = missing[-1].number

    async def agreed(self) -> int:
        """The number up to which file and store agree; raises as `run_once`."""
        last = await asyncio.to_thread(self._file.last)
        if last is None:
            return 0
        if await self._text_of(last.number) != last.text:
            raise WrongState(
                f"the checkpoint file {self._file.path} ends with checkpoint {last.number}, which "
                "the database does not have: the database was put back to an older state. Run "
                "`signerd audit verify`; after a restore that was meant, keep the file as evidence "
                "and move it out of the way: until then no checkpoint is made",
                reason="AUDIT_ROLLED_BACK",
            )
        return last.number

    async def _text_of(self, number: int) -> bytes | None:
        try:
            return (await self._store.get(number)).text
        except NotFound:
            return None
