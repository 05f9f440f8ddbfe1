"""Log customers in: challenges for relying parties, and the judgement of responses."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import Clock
from signerd.core.error import Conflict, NotFound, SignerdError, WrongState
from signerd.core.fault import FaultPoint, reach
from signerd.core.login import ChallengeRecord, ChallengeUse
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId, SubscriberId
from signerd.policy.decide import Scope
from signerd.signing.login_statement import LoginStatement, check_domain
from signerd.signing.ports import ChallengeStore
from signerd.signing.sign import SignInput
from signerd.signing.standing import Problem, ProblemCode
from signerd.signing.verify import Signer, Verify, VerifyRequest, VerifyResult

_NONCE_BYTES: Final = 32
_MOST_FAILURES: Final = 5


@dataclass(frozen=True, slots=True)
class ChallengeRequest:
    """A checked wish for a challenge. subscriber, certificate: None where anybody may answer."""

    principal: str
    domain: str
    subscriber: SubscriberId | None
    certificate: CertificateId | None


@dataclass(frozen=True, slots=True)
class ChallengeResponse:
    """A checked response. statement: as it was made, in UTF-8. content_sha256: of the call, which
    tells a retry from another call with its id."""

    principal: str
    request_id: str
    content_sha256: bytes
    statement: bytes
    signer: Signer
    signature: bytes
    algorithm: KeyAlgorithm | None
    scope: Scope


class Login:
    """The use cases behind Login. lifetime_s: of a challenge."""

    def __init__(
        self,
        challenges: ChallengeStore,
        verify: Verify,
        clock: Clock,
        random: Callable[[int], bytes],
        lifetime_s: int,
    ) -> None:
        self._challenges = challenges
        self._verify = verify
        self._clock = clock
        self._random = random
        self._lifetime = timedelta(seconds=lifetime_s)

    async def create(self, request: ChallengeRequest) -> LoginStatement:
        """A statement that counts once and soon ends; its hash is stored. Raises InvalidRequest
        (DOMAIN_INVALID), StoreUnavailable."""
        expires = (self._clock.now() + self._lifetime).replace(microsecond=0)
        statement = LoginStatement(
            relying_party=request.principal,
            domain=check_domain(request.domain),
            nonce=base64.urlsafe_b64encode(self._random(_NONCE_BYTES)).decode().rstrip("="),
            expires_utc=expires,
            subscriber=request.subscriber,
            certificate=request.certificate,
        )
        await self._challenges.add_challenge(
            ChallengeRecord(
                sha256(statement.text().encode()).digest(),
                request.principal,
                expires,
                request.subscriber,
                request.certificate,
            )
        )
        return statement

    async def verify(self, response: ChallengeResponse) -> VerifyResult:
        """Judge a response, and use the challenge up when it counts.

        1. The challenge is looked up by the hash of the whole statement: any change of it is
           another statement, which nobody made. It must be the caller's, and open.
        2. Signature and signer's standing are judged as of now.
        3. In one transaction the challenge is looked at again, and used or its failure counted: of
           responses at the same moment one is accepted, on whichever front.

        Raises NotFound (CHALLENGE_UNKNOWN, or of the signer), WrongState (CHALLENGE_EXPIRED,
        CHALLENGE_USED, CHALLENGE_FAILED), Conflict (REQUEST_ID_REUSED), and as Verify.verify.
        """
        digest = sha256(response.statement).digest()
        challenge = _of_caller(await self._challenges.find_challenge(digest), response.principal)
        if (refusal := self._refusal(challenge, response)) is not None:
            raise refusal
        # A retry is judged by the moment at which the challenge was used.
        moment = None if challenge.use is None else challenge.use.time_utc
        result = await self._judge(response, challenge, moment)
        if challenge.use is not None:
            return result
        reach(FaultPoint.LOGIN_BEFORE_SETTLE)
        before = await self._challenges.settle_challenge(
            digest, lambda found: self._settle(found, response, result)
        )
        reach(FaultPoint.LOGIN_SETTLED)
        if (refusal := self._refusal(before, response)) is not None:
            raise refusal
        return result

    async def _judge(
        self, response: ChallengeResponse, challenge: ChallengeRecord, moment: datetime | None
    ) -> VerifyResult:
        result = await self._verify.examine(
            VerifyRequest(
                response.signer,
                SignInput(response.statement, None),
                response.signature,
                response.algorithm,
                moment,
                response.scope,
            )
        )
        bound = _bound_to_others(challenge, result.standing.record)
        return replace(result, problems=(*result.problems, *bound))

    def _settle(
        self, found: ChallengeRecord, response: ChallengeResponse, result: VerifyResult
    ) -> tuple[ChallengeRecord, AuditEvent | None]:
        """What becomes of a challenge that was locked for it, and what is put on record."""
        if self._refusal(found, response) is not None or found.use is not None:
            return found, None
        now = self._clock.now()
        if result.problems:
            return replace(found, failures=found.failures + 1), self._event(response, result, now)
        use = ChallengeUse(response.request_id, response.content_sha256, now)
        return replace(found, use=use), self._event(response, result, now)

    def _refusal(
        self, challenge: ChallengeRecord, response: ChallengeResponse
    ) -> SignerdError | None:
        """Why a challenge takes no response; None where it does, or took this very one."""
        use = challenge.use
        if use is not None and use.request_id == response.request_id:
            if use.content_sha256 == response.content_sha256:
                return None
            return Conflict(
                "this request_id was used for another response; choose a new one",
                reason="REQUEST_ID_REUSED",
            )
        if use is not None:
            return WrongState(
                f"the challenge was used at {use.time_utc:%Y-%m-%d %H:%M:%S} UTC, and counts once; "
                "create a new one",
                reason="CHALLENGE_USED",
            )
        if challenge.failures >= _MOST_FAILURES:
            return WrongState(
                f"{_MOST_FAILURES} responses to the challenge did not count; create a new one",
                reason="CHALLENGE_FAILED",
            )
        if challenge.expires_utc < self._clock.now():
            return WrongState(
                f"the challenge ended at {challenge.expires_utc:%Y-%m-%d %H:%M:%S} UTC; create a "
                "new one",
                reason="CHALLENGE_EXPIRED",
            )
        return None

    def _event(
        self, response: ChallengeResponse, result: VerifyResult, now_utc: datetime
    ) -> AuditEvent:
        record = result.standing.record
        resource = "" if record is None else f"certificates/{record.certificate_id}"
        codes = {"problems": " ".join(one.code for one in result.problems)}
        return AuditEvent(
            EventKind.LOGIN_REFUSED if result.problems else EventKind.LOGIN_VERIFIED,
            now_utc,
            response.principal,
            resource,
            response.request_id,
            {
                "challenge_sha256": sha256(response.statement).hexdigest(),
                **({} if record is None else {"subscriber": record.subscriber}),
                **(codes if result.problems else {}),
            },
        )


def _of_caller(found: ChallengeRecord | None, principal: str) -> ChallengeRecord:
    """Somebody else's challenge is as unknown as one that was never made."""
    if found is None or found.principal != principal:
        raise NotFound(
            "this statement is no challenge made for you, or ended long ago; send the statement "
            "exactly as CreateChallenge gave it, or create a new one",
            reason="CHALLENGE_UNKNOWN",
        )
    return found


def _bound_to_others(
    challenge: ChallengeRecord, record: CertificateRecord | None
) -> tuple[Problem, ...]:
    problems = []
    if challenge.subscriber is not None and (
        record is None or record.subscriber != challenge.subscriber
    ):
        text = f"the challenge is for subscribers/{challenge.subscriber}"
        problems.append(Problem(ProblemCode.OTHER_SUBSCRIBER, text))
    if challenge.certificate is not None and (
        record is None or record.certificate_id != challenge.certificate
    ):
        text = f"the challenge is for certificates/{challenge.certificate}"
        problems.append(Problem(ProblemCode.OTHER_CERTIFICATE, text))
    return tuple(problems)
