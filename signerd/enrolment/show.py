"""Show enrolments and their stories; cancel them."""

from dataclasses import replace

from signerd.audit.event import AuditEvent, AuditFilter, EventKind
from signerd.core.enrolment import EnrolmentFilter, EnrolmentRecord, EnrolmentState
from signerd.core.error import Conflict, NotFound
from signerd.core.record import Page
from signerd.core.value import EnrolmentId
from signerd.enrolment.call import EnrolmentContext, check_scope, not_waiting
from signerd.enrolment.ports import Story
from signerd.registry.answered import Caller

_PAGE = 1000


class EnrolmentQuery:
    """The use cases behind Enrolment.GetEnrolment, ListEnrolments and CancelEnrolment."""

    def __init__(self, context: EnrolmentContext, story: Story) -> None:
        self._context = context
        self._story = story

    async def get(self, enrolment: EnrolmentId, caller: Caller) -> EnrolmentRecord:
        """Raises NotFound, PermissionDenied, StoreUnavailable."""
        return await self._context.find(enrolment, caller)

    async def find(self, support_reference: str, caller: Caller) -> EnrolmentRecord:
        """By the number that a customer quotes, in either case. Raises as get."""
        wanted = support_reference.strip().upper()
        record = await self._context.store.find_by_support_reference(wanted)
        if record is None:
            raise NotFound("no enrolment has this support reference; ask for it again")
        check_scope(record, caller.scope)
        return record

    async def story(self, record: EnrolmentRecord) -> list[AuditEvent]:
        """Every step and refusal, oldest first; the latest thousand at most of them are told."""
        where = AuditFilter(resource=f"enrolments/{record.enrolment}")
        records, _ = await self._story.list_records(where, Page(_PAGE))
        return [one.event for one in records]

    async def list(
        self, where: EnrolmentFilter, page: Page, caller: Caller
    ) -> tuple[list[EnrolmentRecord], str]:
        """A page, newest first, of what the caller may see, and the cursor of the next."""
        visible = caller.scope.subscriber_patterns()
        seen = replace(where, visible_subscribers=None if visible is None else tuple(visible))
        return await self._context.store.list_enrolments(seen, page, self._context.clock.now())

    async def cancel(self, enrolment: EnrolmentId, caller: Caller) -> EnrolmentRecord:
        """The enrolment, ended; again: as it stands. Raises WrongState, Conflict
        (ENROLMENT_CLAIMED), NotFound, PermissionDenied, Interrupted, StoreUnavailable."""
        context = self._context
        record = await context.find(enrolment, caller)
        if record.state is EnrolmentState.CANCELLED:
            return record
        if refusal := not_waiting(record, context.clock):
            raise await context.refuse(record, caller, refusal)
        if any(record.claimer):
            claimed = Conflict(
                "its certificate is being made; revoke it once it is there",
                reason="ENROLMENT_CLAIMED",
            )
            raise await context.refuse(record, caller, claimed)
        event = context.event(EventKind.ENROLMENT_CANCELLED, record, caller)
        after = replace(record, state=EnrolmentState.CANCELLED)
        return await context.store.change_enrolment(record, after, [event])
