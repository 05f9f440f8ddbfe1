"""Who is free to act: customers by standing, one drawn at random in constant time."""

import random
from array import array

from signerd_harness.act import INSTEAD, RULES, Act, Standing


class Crowd:
    """Customers that nobody acts for at the moment, by standing. Eight bytes a customer.

    Each acts once at a time, so that whatever comes of an act follows from what came before it.
    """

    def __init__(self, count: int) -> None:
        """count: customers, indices 0 to count - 1; none of them is free yet."""
        self._free = {standing: array("I") for standing in Standing}
        self._place = array("I", bytes(4 * count))

    def release(self, customer: int, standing: Standing) -> None:
        """A customer is free from now on."""
        free = self._free[standing]
        self._place[customer] = len(free)
        free.append(customer)

    def take(self, standing: Standing, chance: random.Random) -> int | None:
        """Draw a free customer, who is busy then; None where there is none."""
        free = self._free[standing]
        if not free:
            return None
        place = chance.randrange(len(free))
        customer, last = free[place], free.pop()
        if last != customer:
            free[place] = last
            self._place[last] = place
        return customer

    def free(self, standing: Standing) -> int:
        """How many are free."""
        return len(self._free[standing])

    def draw(self, act: Act, chance: random.Random) -> tuple[Act, int, Standing] | None:
        """Somebody for an act, and how they stand.

        Where nobody free stands as it needs, an act that brings somebody there is done instead.
        None when nobody can do that either.
        """
        for chosen in (act, *INSTEAD.get(RULES[act].needs[0], ())):
            for standing in RULES[chosen].needs:
                customer = self.take(standing, chance)
                if customer is not None:
                    return chosen, customer, standing
        return None
