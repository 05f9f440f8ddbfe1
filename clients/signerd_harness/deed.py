"""How each act is done at the daemon."""

import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from signerd_client import (
    Certificate,
    RevocationReason,
    Signature,
    SignerdError,
    SignItem,
)
from signerd_client.error import FailedPrecondition
from signerd_harness.act import Act
from signerd_harness.agreement import agree, give_wrong_pin
from signerd_harness.bank import Bank
from signerd_harness.certificate_book import Held
from signerd_harness.customer import Customer
from signerd_harness.enrolment import give_wrong_password, report_loss
from signerd_harness.evidence import Evidence
from signerd_harness.login import log_in
from signerd_harness.payment import payment_order
from signerd_harness.scenario import EnrolmentWay, Population

_PAYROLL: Final = 20
# The hash in the name of an algorithm; Ed25519 takes data only.
_HASHES: Final = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Errand:
    """What an act is done with. other: the certificate of somebody else, or the one that this
    customer had before, where the act needs it. request_id: of the change, the same each time it
    is tried. number: names a payment order."""

    bank: Bank
    customer: Customer
    held: Held
    other: Held | None
    population: Population
    request_id: str
    number: str
    chance: random.Random


@dataclass(frozen=True, slots=True)
class Deed:
    """What came of it. evidence: signatures, to be verified. certificate: a new one. refusal: the
    answer was a no, which is no error of the call."""

    evidence: tuple[Evidence, ...] = ()
    certificate: Certificate | None = None
    refusal: str = ""


async def do(act: Act, errand: Errand) -> Deed:
    """Do it once. Raises SignerdError."""
    return await _DEEDS[act](errand)


async def _sign(errand: Errand, by: Held) -> Deed:
    order = payment_order(errand.customer, errand.number, errand.chance)
    hash_ = _hash(errand)
    signer = errand.bank.signer
    signed = await (
        signer.sign(by.credential, digest=hash_(order).digest())
        if hash_
        else signer.sign(by.credential, data=order)
    )
    return _signed(by, [(order, signed)])


async def _transfer_with_pin(errand: Errand, times: int = 1, agreed_to: bytes = b"") -> Deed:
    """times: how often the order is signed. agreed_to: another order, if not this one."""
    held, hash_ = errand.held, _hash(errand) or hashlib.sha256
    order = payment_order(errand.customer, errand.number, errand.chance)
    agreed = await agree(errand.bank, errand.customer, held, hash_(agreed_to or order).digest())
    made: list[tuple[bytes, Signature]] = []
    for _ in range(times):
        try:
            signature = await _sign_agreed(errand, order, agreed)
        except FailedPrecondition as error:
            return replace(_signed(held, made), refusal=error.reason)
        made.append((order, signature))
    return _signed(held, made)


async def _sign_agreed(errand: Errand, order: bytes, authorisation: str) -> Signature:
    hash_, signer = _hash(errand), errand.bank.signer
    credential = errand.held.credential
    if hash_ is None:
        return await signer.sign(credential, data=order, authorisation=authorisation)
    digest = hash_(order).digest()
    return await signer.sign(credential, digest=digest, authorisation=authorisation)


async def _transfer_twice(errand: Errand) -> Deed:
    return await _transfer_with_pin(errand, times=2)


async def _transfer_not_agreed(errand: Errand) -> Deed:
    return await _transfer_with_pin(errand, agreed_to=b"another order")


async def _wrong_pin(errand: Errand) -> Deed:
    digest = (_hash(errand) or hashlib.sha256)(errand.number.encode()).digest()
    return Deed(refusal=await give_wrong_pin(errand.bank, errand.customer, errand.held, digest))


async def _payroll(errand: Errand) -> Deed:
    orders = [
        payment_order(errand.customer, f"{errand.number}-{one}", errand.chance)
        for one in range(_PAYROLL)
    ]
    hash_ = _hash(errand)
    items = [
        SignItem(digest=hash_(order).digest()) if hash_ else SignItem(data=order)
        for order in orders
    ]
    held = errand.held
    answers = await errand.bank.signer.batch_sign(items, credential=held.credential)
    signatures = []
    for answer in answers:
        if isinstance(answer, SignerdError):
            raise answer
        signatures.append(answer)
    return _signed(held, list(zip(orders, signatures, strict=True)))


def _hash(errand: Errand) -> Callable[[bytes], "hashlib._Hash"] | None:
    return _HASHES.get(errand.population.algorithm.rpartition("_")[2])


def _signed(by: Held, signed: Sequence[tuple[bytes, Signature]]) -> Deed:
    """An answer in another key's name is a wrong result, whatever it verifies with."""
    for _, signature in signed:
        if (signature.certificate, signature.credential) != (by.name, by.credential):
            return Deed(refusal=f"SIGNED_BY_{signature.certificate}")
    return Deed(tuple(Evidence(by.offset, order, it.signature) for order, it in signed))


async def _transfer(errand: Errand) -> Deed:
    return await _sign(errand, errand.held)


async def _transfer_replaced(errand: Errand) -> Deed:
    return await _sign(errand, errand.other or errand.held)


async def _login(errand: Errand) -> Deed:
    return await _log_in(errand, errand.held, errand.held)


async def _login_with_wrong_key(errand: Errand) -> Deed:
    return await _log_in(errand, errand.held, errand.other or errand.held)


async def _login_as_another(errand: Errand) -> Deed:
    other = errand.other or errand.held
    return await _log_in(errand, other, other)


async def _login_twice(errand: Errand) -> Deed:
    return await _log_in(errand, errand.held, errand.held, times=2)


async def _login_as_transfer(errand: Errand) -> Deed:
    return await _log_in(errand, errand.held, errand.held, purpose="transfer")


async def _log_in(
    errand: Errand, certificate: Held, signs: Held, *, times: int = 1, purpose: str = "login"
) -> Deed:
    evidence, refusal = await log_in(
        errand.bank, errand.customer, certificate, signs, times=times, purpose=purpose
    )
    return Deed((evidence,), refusal=refusal)


async def _reissue(errand: Errand) -> Deed:
    done = await errand.bank.officer.reissue_certificate(
        errand.held.name, request_id=errand.request_id
    )
    return Deed(certificate=done.certificate)


async def _suspend(errand: Errand) -> Deed:
    await errand.bank.officer.suspend_certificate(errand.held.name, request_id=errand.request_id)
    return Deed()


async def _resume(errand: Errand) -> Deed:
    await errand.bank.supervisor.resume_certificate(errand.held.name, request_id=errand.request_id)
    return Deed()


async def _revoke(
    errand: Errand, reason: RevocationReason = RevocationReason.CESSATION_OF_OPERATION
) -> Deed:
    await errand.bank.officer.revoke_certificate(
        errand.held.name, reason, request_id=errand.request_id
    )
    return Deed()


async def _report_loss(errand: Errand) -> Deed:
    """Who was registered proves it; for others the bank revokes."""
    if errand.population.enrolment is EnrolmentWay.DIRECT:
        return await _revoke(errand, RevocationReason.KEY_COMPROMISE)
    await report_loss(errand.bank, errand.customer, errand.held.name, errand.request_id)
    return Deed()


async def _wrong_password(errand: Errand) -> Deed:
    return Deed(refusal=await give_wrong_password(errand.bank, errand.customer, errand.held.name))


_DEEDS: Final[dict[Act, Callable[[Errand], Awaitable[Deed]]]] = {
    Act.TRANSFER: _transfer,
    Act.PAYROLL: _payroll,
    Act.LOGIN: _login,
    Act.REISSUE: _reissue,
    Act.SUSPEND: _suspend,
    Act.RESUME: _resume,
    Act.REPORT_LOSS: _report_loss,
    Act.REVOKE: _revoke,
    Act.TRANSFER_WITH_PIN: _transfer_with_pin,
    Act.WRONG_PIN: _wrong_pin,
    Act.TRANSFER_WITHOUT_PIN: _transfer,
    Act.TRANSFER_NOT_AGREED: _transfer_not_agreed,
    Act.TRANSFER_TWICE: _transfer_twice,
    Act.WRONG_PASSWORD: _wrong_password,
    Act.LOGIN_WITH_WRONG_KEY: _login_with_wrong_key,
    Act.LOGIN_AS_ANOTHER: _login_as_another,
    Act.LOGIN_TWICE: _login_twice,
    Act.LOGIN_AS_TRANSFER: _login_as_transfer,
    Act.TRANSFER_SUSPENDED: _transfer,
    Act.TRANSFER_REVOKED: _transfer,
    Act.TRANSFER_REPLACED: _transfer_replaced,
    Act.TRANSFER_EXPIRED: _transfer,
    Act.SUSPEND_AGAIN: _suspend,
    Act.RESUME_ACTIVE: _resume,
    Act.REISSUE_SUSPENDED: _reissue,
    Act.REISSUE_EXPIRED: _reissue,
}
