"""Wires enrolment over its store."""

import secrets
from collections.abc import Callable

from signerd.app.identity import identity_rules
from signerd.app.registry import registered_contacts
from signerd.app.wiring import Base
from signerd.enrolment.call import EnrolmentContext
from signerd.enrolment.certificate import EnrolmentCertificates
from signerd.enrolment.claim import ClaimCertificate
from signerd.enrolment.evidence import EvidenceRegistration
from signerd.enrolment.judge import ProofJudge
from signerd.enrolment.open import OpenEnrolment
from signerd.enrolment.prove import ProveIdentity
from signerd.enrolment.report_loss import ReportLoss
from signerd.enrolment.send_code import SendCode
from signerd.enrolment.show import EnrolmentQuery
from signerd.identity.document import DocumentVerifier
from signerd.pki.profile import Profile
from signerd.registry.answered import Answers
from signerd.registry.vault import Vault
from signerd.store.answer import SqlAnswerStore
from signerd.store.enrolment import SqlEnrolmentStore
from signerd.store.evidence import SqlEvidenceStore
from signerd.store.subscriber import SqlSubscriberStore
from signerd.transport.authority_use import AuthorityUseCases
from signerd.transport.enrolment_use import EnrolmentUseCases


def enrolment_use_cases(
    base: Base,
    authority: AuthorityUseCases,
    documents: DocumentVerifier | None,
    profiles: Callable[[], dict[str, Profile]],
) -> EnrolmentUseCases:
    """Enrolment, over the use cases that make and revoke certificates. Raises BootError."""
    vault = Vault(base.sealer)
    context = EnrolmentContext(
        store=SqlEnrolmentStore(base.database),
        evidence=SqlEvidenceStore(base.database),
        answers=Answers(SqlAnswerStore(base.database), vault, base.sealer),
        subscribers=SqlSubscriberStore(base.database),
        vault=vault,
        sealer=base.sealer,
        rules=identity_rules(base.settings),
        clock=base.clock,
        random=secrets.token_bytes,
    )
    certificates = EnrolmentCertificates(
        base.certificates, authority.issue, authority.reissue, profiles, base.clock
    )
    return EnrolmentUseCases(
        open=OpenEnrolment(context, certificates),
        send_code=SendCode(context),
        prove=ProveIdentity(context, ProofJudge(context, registered_contacts(base), documents)),
        claim=ClaimCertificate(context, certificates, base.certificates),
        report_loss=ReportLoss(context, authority.revoke, base.certificates),
        evidence=EvidenceRegistration(context),
        query=EnrolmentQuery(context, base.trail),
        rules=context.rules,
        clock=base.clock,
    )
