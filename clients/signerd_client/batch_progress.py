"""How far a batch has come: some of it may have to be asked for again."""

from signerd.v1 import signing_pb2 as wire
from signerd_client.batch_call import BatchSignCall, SignResult, batch_of
from signerd_client.call import Call
from signerd_client.error import ResourceExhausted, SignerdError, Unavailable


class BatchProgress:
    """Of one batch. problem: why something is to be asked for again; None where nothing is."""

    def __init__(self, batch: BatchSignCall) -> None:
        self.problem: SignerdError | None = None
        self._request = batch.request
        self._timeout_s = batch.timeout_s
        self._request_id = batch.request_id
        self._open = list(range(len(batch.request.requests)))
        self._results: dict[int, SignResult] = {}

    @property
    def results(self) -> tuple[SignResult, ...]:
        """In the order of the requests."""
        return tuple(self._results[place] for place in range(len(self._request.requests)))

    @property
    def has_results(self) -> bool:
        """Whether there is one for each."""
        return len(self._results) == len(self._request.requests)

    def call(self) -> Call[tuple[SignResult, ...]]:
        """For what is to be asked for now."""
        if len(self._open) == len(self._request.requests):
            return batch_of(self._request, self._timeout_s, self._request_id)
        request = wire.BatchSignRequest(
            credential=self._request.credential,
            requests=[self._request.requests[place] for place in self._open],
            lane=self._request.lane,
            purpose=self._request.purpose,
        )
        return batch_of(request, self._timeout_s, self._request_id)

    def take(self, results: tuple[SignResult, ...]) -> None:
        """Keep the results of the last call."""
        self.problem = None
        again = []
        for place, result in zip(self._open, results, strict=True):
            self._results[place] = result
            if isinstance(result, Unavailable | ResourceExhausted):
                self.problem = result
                again.append(place)
        self._open = again
