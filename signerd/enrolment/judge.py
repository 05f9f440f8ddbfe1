"""Judge proofs of identity, each kind against what is known of the subscriber."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signerd.config.secret_source import Secret
from signerd.core.clock import korean_day
from signerd.core.enrolment import EnrolmentRecord
from signerd.core.error import InvalidRequest, ServiceUnavailable, SignerdError, WrongState
from signerd.core.evidence import CodeRecord, DocumentKind, Factor, Failures, PasswordRecord
from signerd.enrolment.call import EnrolmentContext, Registered
from signerd.identity.biometric import verify_assertion
from signerd.identity.document import (
    DocumentVerifier,
    IdentityDocument,
    parse_document,
    verdict_refusal,
)
from signerd.identity.lockout import after_failure, locked_refusal
from signerd.identity.one_time_code import CodeBinding, verify_code
from signerd.identity.password import SALT_BYTES, verify_password
from signerd.registry.answered import Caller
from signerd.registry.contact import RegisteredContacts


@dataclass(frozen=True, slots=True)
class DocumentProof:
    """As the customer reads it out. issue_date: as 2026-11-24."""

    kind: DocumentKind
    number: Secret
    issue_date: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeProof:
    """factor: PHONE_CODE or EMAIL_CODE."""

    factor: Factor
    code: Secret


@dataclass(frozen=True, slots=True)
class BiometricProof:
    """statement: as in `verify_assertion`."""

    statement: str
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordProof:
    password: Secret


Proof = DocumentProof | CodeProof | BiometricProof | PasswordProof


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a proof. record: the enrolment as it is to be stored; password: what became of
    the password's record; details: for the story. refusal: None when the proof holds."""

    factor: Factor
    record: EnrolmentRecord
    refusal: SignerdError | None = None
    password: tuple[PasswordRecord, PasswordRecord] | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class ProofJudge:
    """Judges proofs. documents: None where no verification service is configured."""

    def __init__(
        self,
        context: EnrolmentContext,
        contacts: RegisteredContacts,
        documents: DocumentVerifier | None,
    ) -> None:
        self._context = context
        self._contacts = contacts
        self._documents = documents

    async def judge(
        self, record: EnrolmentRecord, registered: Registered, proof: Proof, caller: Caller
    ) -> Judgement:
        """What comes of a proof; refusals are part of it. Raises StoreUnavailable, and as
        Sealer."""
        match proof:
            case DocumentProof():
                return await self._document(record, registered, proof, caller)
            case PasswordProof():
                return await self._password(record, proof)
            case CodeProof():
                return await self._code(record, proof, caller)
            case BiometricProof():
                return await self._biometric(record, proof)

    async def _document(
        self,
        record: EnrolmentRecord,
        registered: Registered,
        proof: DocumentProof,
        caller: Caller,
    ) -> Judgement:
        factor = Factor.DOCUMENT
        if locked := self._locked(record):
            return Judgement(factor, record, locked)
        try:
            document = parse_document(
                proof.kind,
                proof.number,
                registered.record.real_name,
                proof.issue_date,
                today=korean_day(self._context.clock),
            )
        except InvalidRequest as error:
            return Judgement(factor, record, error)
        is_theirs = proof.kind is registered.data.document_kind and (
            await self._contacts.has_document(
                record.subscriber, document.number.reveal(), deadline=caller.deadline
            )
        )
        if not is_theirs:
            return self._failed(
                factor,
                record,
                InvalidRequest(
                    "the identity document is not the one that the subscriber was registered "
                    "with; use that one, or have the registration changed",
                    reason="DOCUMENT_NOT_REGISTERED",
                    field="document",
                ),
            )
        return await self._verified(record, document)

    async def _verified(self, record: EnrolmentRecord, document: IdentityDocument) -> Judgement:
        factor = Factor.DOCUMENT
        if self._documents is None:
            return Judgement(
                factor,
                record,
                WrongState(
                    "no document verification service is configured; ask the operator to set "
                    "[identity] document_verifier",
                    reason="DOCUMENT_VERIFIER_ABSENT",
                ),
            )
        try:
            verdict = await self._documents.verify(document)
        except ServiceUnavailable as error:
            return Judgement(factor, record, error)
        details = {"outcome": verdict.outcome.value, "reference": verdict.reference}
        if refusal := verdict_refusal(verdict):
            return replace(self._failed(factor, record, refusal), details=details)
        return Judgement(factor, _passed(record), details=details)

    async def _password(self, record: EnrolmentRecord, proof: PasswordProof) -> Judgement:
        factor = Factor.PASSWORD
        stored = await self._context.evidence.find_password(record.subscriber)
        if stored is None:
            return Judgement(
                factor,
                record,
                WrongState(
                    "the subscriber has no password; set one, or prove the identity otherwise",
                    reason="PASSWORD_ABSENT",
                ),
            )
        check = await asyncio.to_thread(
            verify_password,
            stored,
            proof.password,
            self._context.rules.password,
            self._context.clock.now(),
            salt=self._context.random(SALT_BYTES),
        )
        return Judgement(factor, record, check.refusal, (stored, check.state))

    async def _code(self, record: EnrolmentRecord, proof: CodeProof, caller: Caller) -> Judgement:
        check = await verify_code(
            record.codes.get(proof.factor, CodeRecord()),
            CodeBinding(record.enrolment, proof.factor, record.purpose),
            proof.code,
            self._context.rules.code,
            self._context.clock.now(),
            mac=self._context.mac(caller),
        )
        after = replace(record, codes={**record.codes, proof.factor: check.state})
        return Judgement(proof.factor, after, check.refusal)

    async def _biometric(self, record: EnrolmentRecord, proof: BiometricProof) -> Judgement:
        factor = Factor.BIOMETRIC
        if locked := self._locked(record):
            return Judgement(factor, record, locked)
        spki = await self._context.evidence.find_biometric_key(record.subscriber)
        if spki is None:
            return Judgement(
                factor,
                record,
                WrongState(
                    "no key for biometric assertions is registered; register the app's key, or "
                    "prove the identity otherwise",
                    reason="BIOMETRIC_KEY_ABSENT",
                ),
            )
        try:
            verify_assertion(
                spki,
                proof.statement,
                proof.signature,
                enrolment=record.enrolment,
                subscriber=record.subscriber,
                now_utc=self._context.clock.now(),
            )
        except (InvalidRequest, WrongState) as error:
            return self._failed(factor, record, error)
        return Judgement(factor, _passed(record))

    def _locked(self, record: EnrolmentRecord) -> SignerdError | None:
        return locked_refusal(record.failures, "the proof", self._context.clock.now())

    def _failed(self, factor: Factor, record: EnrolmentRecord, refusal: SignerdError) -> Judgement:
        now = self._context.clock.now()
        failures = after_failure(record.failures, self._context.rules.code.lockout, now)
        return Judgement(
            factor,
            replace(record, failures=failures),
            locked_refusal(failures, "the proof", now) or refusal,
        )


def _passed(record: EnrolmentRecord) -> EnrolmentRecord:
    return replace(record, failures=Failures())
