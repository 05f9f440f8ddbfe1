"""Synthetic customers of a bank, and scenarios of what they do.

    from signerd_harness import customers

    for customer in customers(1_000, seed=7):
        client.issue_certificate(
            customer.subscriber, "personal", customer.name, key_algorithm="EC_P256_SHA256"
        )

Everything about a customer follows from seed and number: made when it is asked for, kept nowhere.
"""

from signerd_harness.customer import Customer, customer, customers

__all__ = ["Customer", "customer", "customers"]
