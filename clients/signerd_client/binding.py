"""Makes methods of call functions, so that both clients have the same ones by construction."""

import functools
import inspect
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
SelfT = TypeVar("SelfT")
SpecT = TypeVar("SpecT")
AnswerT = TypeVar("AnswerT")


def bind(
    make: Callable[P, SpecT], run: Callable[[SelfT, SpecT], AnswerT]
) -> Callable[Concatenate[SelfT, P], AnswerT]:
    """A method that makes a call and runs it, with documentation and parameters of make."""

    @functools.wraps(make)
    def method(client: SelfT, /, *args: P.args, **kwargs: P.kwargs) -> AnswerT:
        return run(client, make(*args, **kwargs))

    client = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = inspect.signature(make)
    parameters = (client, *signature.parameters.values())
    method.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return method
