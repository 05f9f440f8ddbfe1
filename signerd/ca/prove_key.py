"""Proof that a key which was made some time ago is still there."""

from typing import Final

from signerd.ca.ports import KeyTokens
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal, TokenRefused, TokenUnavailable
from signerd.core.record import GeneratedKey
from signerd.core.value import KeyRef
from signerd.pki.assembly import message_to_sign, require_signature

READY_KEY_LOST: Final = "READY_KEY_LOST"
"""Reason of TokenUnavailable: the token serves, but no longer with this key."""


async def prove_key(
    tokens: KeyTokens, key: KeyRef, algorithm: KeyAlgorithm, made: GeneratedKey, *, deadline: float
) -> None:
    """Let a key sign its own SubjectPublicKeyInfo before it is certified, and verify that: its
    token may have gone since, or have lost it, and the subscriber could do nothing with the
    certificate. deadline: seconds of time.monotonic().

    Raises TokenUnavailable (READY_KEY_LOST and others), LimitExceeded, DeadlineExceeded.
    """
    try:
        signature = await tokens.sign(
            key, algorithm, message_to_sign(made.spki, algorithm), deadline=deadline
        )
        require_signature(made.spki, algorithm, made.spki, signature, title="ready key")
    except (TokenRefused, Internal) as error:
        raise TokenUnavailable(error.message, reason=READY_KEY_LOST) from error
