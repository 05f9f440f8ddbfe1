"""What a token host does with a request."""

import os
import time
from typing import Final

from signerd.config.settings import TokensSettings
from signerd.core.boot import BootError
from signerd.core.error import DeadlineExceeded, Internal, SignerdError, TokenRefused
from signerd.core.fault import FaultPoint, reach
from signerd.core.pulse import Pulse
from signerd.observability.event import LogEvent
from signerd.tokens.error import TokenNotOpen
from signerd.tokens.frame import (
    Answer,
    CreateTokenRequest,
    Destroyed,
    DestroyRequest,
    Generated,
    GenerateRequest,
    Health,
    HealthRequest,
    ItemFailed,
    KeyUse,
    Listed,
    ListRequest,
    MacMade,
    Request,
    Sealed,
    SealRequest,
    Signed,
    SignedMany,
    SignManyRequest,
    SignRequest,
    TokenCreated,
    Unsealed,
    UnsealRequest,
    failure,
    item_failure,
)
from signerd.tokens.resolve import secret_reader
from signerd.tokens.token_set import TokenSet
from signerd.tokens.token_spec import Report, TokenSpec

IDLE_ALLOWED_S: Final = 5.0
_LATE: Final = "the deadline passed before the token was reached; try again"


class RequestHandler:
    """Answers one request after the other; every error becomes a Failed answer."""

    def __init__(
        self,
        settings: TokensSettings,
        tokens: TokenSet,
        pool: TokenSpec,
        pulse: Pulse,
        report: Report,
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._pool = pool
        self._pulse = pulse
        self._report = report
        self._busy_s = 0.0

    def handle(self, request: Request) -> Answer:
        """Do what is asked, unless its deadline has passed: then nothing."""
        began = time.monotonic()
        if request.deadline <= began:
            return failure(request.number, DeadlineExceeded(_LATE))
        limit = self._settings.call_limit_s
        if not isinstance(request, KeyUse | ListRequest | HealthRequest):
            limit = max(limit, self._settings.generate_limit_s)
        self._pulse.beat(limit)
        try:
            return self._act(request)
        except Exception as error:  # noqa: BLE001 - one request must not end the host
            is_begun = not isinstance(error, TokenNotOpen)
            return failure(request.number, self._error(error), is_begun=is_begun)
        finally:
            # sign_some counts its own.
            if not isinstance(request, HealthRequest | SignManyRequest):
                self._busy_s += time.monotonic() - began
            self._pulse.beat(IDLE_ALLOWED_S)

    def sign_some(self, run: "SignRun", until: float) -> None:
        """Go on with many signatures until a time has passed or all are made, at least one."""
        began = now = time.monotonic()
        request = run.request
        keys, of, messages = request.keys, request.of, request.messages
        sign, beat = self._tokens.sign, self._pulse.beat
        try:
            while now < until and not run.is_done:
                place = run.place
                if request.deadline <= now:
                    run.fail(DeadlineExceeded(_LATE))
                    continue
                beat(self._settings.call_limit_s)
                key, algorithm = keys[of[place]]
                reach(FaultPoint.HOST_BEFORE_SIGN)
                try:
                    signature = sign(key, algorithm, messages[place])
                except Exception as error:  # noqa: BLE001 - one signature must not end the host
                    run.fail(self._error(error))
                else:
                    reach(FaultPoint.HOST_AFTER_SIGN)
                    run.signatures.append(signature)
                now = time.monotonic()
        finally:
            self._busy_s += time.monotonic() - began
            beat(IDLE_ALLOWED_S)

    def _error(self, error: Exception) -> SignerdError:
        if isinstance(error, SignerdError):
            return error
        if isinstance(error, BootError):
            return TokenRefused(error.message, reason="CONFIG_INVALID")
        self._report(LogEvent.WORK_FAILED, {"problem": type(error).__name__, "at": _place(error)})
        return Internal(f"token host: {type(error).__name__}")

    def _act(self, request: Request) -> Answer:
        if isinstance(request, KeyUse):
            return self._use(request)
        if isinstance(request, GenerateRequest):
            return self._generate(request)
        if isinstance(request, DestroyRequest):
            return self._destroy(request)
        if isinstance(request, ListRequest):
            return Listed(request.number, self._tokens.list_keys(request.token))
        if isinstance(request, CreateTokenRequest):
            return self._create_token(request)
        return Health(request.number, os.getpid(), self._tokens.health(), self._busy_s)

    def _use(self, request: KeyUse) -> Answer:
        if isinstance(request, SignRequest):
            return self._sign(request)
        if isinstance(request, SignManyRequest):
            run = SignRun(self, request)
            run.step(request.deadline)
            return run.answer()
        number, key = request.number, request.key
        if isinstance(request, SealRequest):
            return Sealed(number, self._tokens.seal(key, request.plaintext, request.associated))
        if isinstance(request, UnsealRequest):
            return Unsealed(number, self._tokens.unseal(key, request.sealed, request.associated))
        return MacMade(number, self._tokens.mac(key, request.data))

    def _sign(self, request: SignRequest) -> Signed:
        reach(FaultPoint.HOST_BEFORE_SIGN)
        signature = self._tokens.sign(request.key, request.algorithm, request.message)
        reach(FaultPoint.HOST_AFTER_SIGN)
        return Signed(request.number, signature)

    def _generate(self, request: GenerateRequest) -> Generated:
        reach(FaultPoint.HOST_BEFORE_GENERATE)
        key = self._tokens.generate_key(request.key, request.algorithm, is_repeat=request.is_repeat)
        reach(FaultPoint.HOST_AFTER_GENERATE)
        return Generated(request.number, key)

    def _destroy(self, request: DestroyRequest) -> Destroyed:
        reach(FaultPoint.HOST_BEFORE_DESTROY)
        count = self._tokens.destroy_key(request.key, was_made=request.was_made)
        reach(FaultPoint.HOST_AFTER_DESTROY)
        return Destroyed(request.number, count)

    def _create_token(self, request: CreateTokenRequest) -> TokenCreated:
        pool = self._settings.subscribers
        if not pool.grow or not pool.so_pin_source:
            raise TokenRefused(
                "the pool does not grow by itself; set tokens.subscribers.grow and so_pin_source, "
                "or make a token with the token's own tool",
                reason="POOL_FIXED",
            )
        if not request.label.startswith(self._pool.label):
            raise TokenRefused(
                f"labels of the pool begin with {self._pool.label!r}", reason="LABEL_FOREIGN"
            )
        so_pin = secret_reader(pool.so_pin_source)()
        token = self._tokens.create_token(self._pool, request.label, so_pin)
        return TokenCreated(request.number, token)


class SignRun:
    """Many signatures under way. An error is that of one of them."""

    def __init__(self, handler: RequestHandler, request: SignManyRequest) -> None:
        self.request = request
        self.signatures: list[bytes] = []
        self._handler = handler
        self._failures: list[ItemFailed] = []

    @property
    def place(self) -> int:
        """Of the next one."""
        return len(self.signatures)

    @property
    def is_done(self) -> bool:
        """Whether there is no next one."""
        return len(self.signatures) == len(self.request.messages)

    def fail(self, error: SignerdError) -> None:
        """The next one comes to nothing."""
        self._failures.append(item_failure(self.place, error))
        self.signatures.append(b"")

    def step(self, until: float) -> bool:
        """Go on until a time of time.monotonic(); whether all is done."""
        self._handler.sign_some(self, until)
        while not self.is_done and self.request.deadline <= time.monotonic():
            self.fail(DeadlineExceeded(_LATE))
        return self.is_done

    def answer(self) -> SignedMany:
        """When all is done."""
        return SignedMany(self.request.number, self.signatures, self._failures)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
