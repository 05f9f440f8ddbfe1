"""Wires logins."""

import secrets
from collections.abc import Callable
from datetime import timedelta

from signerd.app.wiring import Base
from signerd.signing.login import Login
from signerd.signing.verify import Verify
from signerd.store.activation import SqlActivationStore
from signerd.store.login import SqlChallengeStore

FORGET_ROUND_S = 60.0
# So long a response, or a signature, is still told why it comes too late, and a retry gets its
# answer.
_REMEMBERED = timedelta(hours=1)


def login_use_case(base: Base, verify: Verify) -> Login:
    """What fronts log customers in with."""
    lifetime_s = base.settings.login.challenge_lifetime_s
    store = SqlChallengeStore(base.database)
    return Login(store, verify, base.clock, secrets.token_bytes, lifetime_s)


class ForgetRounds:
    """What the keeper throws away of logins and authorisations. is_leader: whether this keeper
    holds the lease."""

    def __init__(self, base: Base, is_leader: Callable[[], bool]) -> None:
        self._challenges = SqlChallengeStore(base.database)
        self._activations = SqlActivationStore(base.database)
        self._clock = base.clock
        self._is_leader = is_leader

    async def run_once(self) -> None:
        """Forget challenges and authorisations that ended."""
        if not self._is_leader():
            return
        ended_before = self._clock.now() - _REMEMBERED
        await self._challenges.forget_challenges(ended_before)
        await self._activations.forget_authorisations(ended_before)
