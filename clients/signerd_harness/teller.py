"""Acts for the customers of one worker, one after another or many at once."""

import random
import time
import uuid
from dataclasses import dataclass
from typing import Final

from signerd_client import CertificateState, SignerdError
from signerd_harness.act import RULES, Act, Rule, Standing
from signerd_harness.bank import Bank
from signerd_harness.certificate_book import CertificateBook, Held
from signerd_harness.crowd import Crowd
from signerd_harness.customer import customer
from signerd_harness.deed import Deed, Errand, do
from signerd_harness.evidence import EvidenceFile
from signerd_harness.judge import is_result, judge
from signerd_harness.scenario import Population
from signerd_harness.tally import Outcome, Tally

_STANDING_OF: Final = {
    CertificateState.ACTIVE: Standing.ACTIVE,
    CertificateState.SUSPENDED: Standing.SUSPENDED,
    CertificateState.REVOKED: Standing.REVOKED,
    CertificateState.EXPIRED: Standing.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Share:
    """The customers of a worker: those whose number is `first` or a multiple of `step` more, up to
    the count of the population. Its index is how the worker counts them."""

    population: Population
    first: int
    step: int

    def __len__(self) -> int:
        return len(range(self.first, self.population.count, self.step))

    def number(self, index: int) -> int:
        """The customer's number."""
        return self.first + index * self.step

    def kind(self, index: int) -> Standing:
        """What a customer is enrolled to be: EXPIRED, WITH_PIN or ACTIVE."""
        number, population = self.number(index), self.population
        if number < population.expired:
            return Standing.EXPIRED
        is_with_pin = number < population.expired + population.with_pin
        return Standing.WITH_PIN if is_with_pin else Standing.ACTIVE


class Teller:
    """Draws customers, acts for them and knows how they stand afterwards."""

    def __init__(
        self,
        share: Share,
        bank: Bank,
        book: CertificateBook,
        evidence: EvidenceFile,
        chance: random.Random,
    ) -> None:
        self.tally = Tally()
        self._share = share
        self._bank = bank
        self._book = book
        self._evidence = evidence
        self._chance = chance
        self._crowd = Crowd(len(share))
        self._run = uuid.uuid4().hex[:8]
        self._orders = 0

    async def gather(self) -> None:
        """Everybody who has a certificate is free to act; where that is not known the daemon is
        asked first. Raises SignerdError."""
        for index in range(len(self._share)):
            standing = self._book.standing(index)
            if standing is Standing.UNKNOWN:
                standing = await self._ask(index)
            if standing is not Standing.NONE:
                self._crowd.release(index, standing)

    async def act(self, act: Act, began_s: float) -> Act | None:
        """One act by somebody, counted. began_s: when it was to begin, time.monotonic().

        Gives the act that was done, which may be one that this needs first; None when nobody is
        free who could do either.
        """
        drawn = self._crowd.draw(act, self._chance)
        if drawn is None:
            return None
        act, index, standing = drawn
        act, other, lent = self._other(act, index)
        rule = RULES[act]
        if rule.changes:
            self._book.put(index, Standing.UNKNOWN)
        after: Standing | None = Standing.UNKNOWN
        try:
            after = await self._do(act, rule, index, other, began_s)
        finally:
            self._release(index, standing if after is None else after)
            if lent is not None:
                self._release(lent, Standing.ACTIVE)
        return act

    def _release(self, index: int, standing: Standing) -> None:
        """Whoever is not known about stays busy, until another run asks."""
        self._book.put(index, standing)
        if standing is not Standing.UNKNOWN:
            self._crowd.release(index, standing)

    async def _do(
        self, act: Act, rule: Rule, index: int, other: Held | None, began_s: float
    ) -> Standing | None:
        """How the customer stands afterwards; None as before."""
        errand = self._errand(index, other)
        try:
            deed = await self._try(act, rule, errand)
        except SignerdError as error:
            said = f"{error.reason}: {error.message}"
            if not is_result(error):
                self._count(act, Outcome.ERROR, began_s, said)
                return Standing.UNKNOWN if rule.changes else None
            outcome = judge(rule, error.reason)
            what = error.reason if outcome is Outcome.REFUSED else _wrong(rule, said, errand)
            self._count(act, outcome, began_s, what)
            return None if outcome is Outcome.REFUSED else await self._ask(index)
        outcome = judge(rule, deed.refusal)
        what = deed.refusal if outcome is Outcome.REFUSED else _wrong(rule, deed.refusal, errand)
        self._count(act, outcome, began_s, what)
        for evidence in deed.evidence:
            self._evidence.add(evidence)
        self.tally.signatures += len(deed.evidence)
        if outcome is Outcome.WRONG:
            return await self._ask(index)
        if deed.certificate is not None:
            self._book.keep(index, deed.certificate, Standing.ACTIVE)
        return rule.becomes

    async def _try(self, act: Act, rule: Rule, errand: Errand) -> Deed:
        """A change whose answer was lost is asked for once more, under the same request id: the
        daemon then says what became of it."""
        try:
            return await do(act, errand)
        except SignerdError as error:
            if not rule.changes or is_result(error):
                raise
        return await do(act, errand)

    async def _ask(self, index: int) -> Standing:
        """How the newest certificate stands, as the daemon says. UNKNOWN when it does not say."""
        try:
            found = await self._bank.officer.get_certificate(self._book.newest(index).name)
            while found.replaced_by:
                found = await self._bank.officer.get_certificate(found.replaced_by)
        except SignerdError:
            return Standing.UNKNOWN
        standing = _STANDING_OF.get(found.state, Standing.UNKNOWN)
        if standing is Standing.ACTIVE:
            standing = self._share.kind(index)
        if found.name != self._book.newest(index).name:
            self._book.keep(index, found, standing)
        self._book.put(index, standing)
        return standing

    def _errand(self, index: int, other: Held | None) -> Errand:
        self._orders += 1
        population = self._share.population
        return Errand(
            bank=self._bank,
            customer=customer(self._share.number(index), seed=population.seed),
            held=self._book.newest(index),
            other=other,
            population=population,
            request_id=str(uuid.uuid4()),
            number=f"{self._run}-{self._share.first}-{self._orders}",
            chance=self._chance,
        )

    def _other(self, act: Act, index: int) -> tuple[Act, Held | None, int | None]:
        """The second certificate that an act needs, and whose it is if somebody else's, who is
        busy then; another act where there is none."""
        if act is Act.TRANSFER_REPLACED:
            before = self._book.before(index)
            return (act, before, None) if before else (Act.REISSUE, None, None)
        if act in {Act.LOGIN_WITH_WRONG_KEY, Act.LOGIN_AS_ANOTHER}:
            lent = self._crowd.take(Standing.ACTIVE, self._chance)
            return (Act.LOGIN, None, None) if lent is None else (act, self._book.newest(lent), lent)
        return act, None, None

    def _count(self, act: Act, outcome: Outcome, began_s: float, said: str) -> None:
        self.tally.add(act, outcome, time.monotonic() - began_s, said)


def _wrong(rule: Rule, said: str, errand: Errand) -> str:
    expected = f"the refusal {rule.refusal}" if rule.refusal else "success"
    return f"{errand.held.name}: expected {expected}, got {said or 'success'}"
