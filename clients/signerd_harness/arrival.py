"""When acts begin."""

import math

from signerd_harness.scenario import Arrival


def begin_s(arrival: Arrival, number: int) -> float:
    """Seconds from the start to the act with a number from 0, at an open arrival.

    During the ramp the rate grows evenly, so that n acts take sqrt(2 n ramp / rate).
    """
    in_ramp = arrival.rate_per_s * arrival.ramp_s / 2
    if number < in_ramp:
        return math.sqrt(2 * number * arrival.ramp_s / arrival.rate_per_s)
    return arrival.ramp_s + (number - in_ramp) / arrival.rate_per_s


def caller_begin_s(arrival: Arrival, caller: int) -> float:
    """Seconds from the start to the first act of a caller, at a closed arrival."""
    return arrival.ramp_s * caller / arrival.callers
