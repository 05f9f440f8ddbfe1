"""Every event name of the log: what an operator may search and alert for."""

from enum import StrEnum


class LogEvent(StrEnum):
    """Names are `subject.what_happened`; particulars are fields of the line."""

    SUPERVISOR_STARTED = "supervisor.started"
    SUPERVISOR_STOPPED = "supervisor.stopped"
    SUPERVISOR_UP = "supervisor.up"
    STOP_REQUESTED = "supervisor.stop_requested"
    RELOAD_REQUESTED = "supervisor.reload_requested"
    ADMIN_SOCKET_SWITCHED = "supervisor.admin_socket_switched"
    RUN_FILE_FAILED = "supervisor.run_file_failed"
    BOOT_FAILED = "supervisor.boot_failed"

    CHILD_STARTED = "child.started"
    CHILD_READY = "child.ready"
    CHILD_CRASHED = "child.crashed"
    CHILD_HUNG = "child.hung"
    CHILD_GROUP_HELD = "child.group_held"
    CHILD_GROUP_RELEASED = "child.group_released"
    CHILD_STOPPED = "child.stopped"
    CHILD_KILLED = "child.killed"

    PROCESS_READY = "process.ready"
    PROCESS_FAILED = "process.failed"
    PROCESS_STOPPED = "process.stopped"

    FRONT_LISTENING = "front.listening"
    CALL_DENIED = "call.denied"
    CALL_FAILED = "call.failed"
    CALL_UNAVAILABLE = "call.unavailable"
    HEALTH_CHANGED = "health.changed"
    RELOADED = "front.reloaded"
    RELOAD_REFUSED = "front.reload_refused"

    HOST_CONNECTED = "host.connected"
    HOST_LOST = "host.lost"
    HOST_WORK_MOVED = "host.work_moved"
    TOKEN_LOST = "token.lost"  # noqa: S105 - an event name
    TOKEN_REOPENED = "token.reopened"  # noqa: S105 - an event name
    TOKEN_PIN_REFUSED = "token.pin_refused"  # noqa: S105 - an event name

    KEEPER_ELECTED = "keeper.elected"
    READY_KEYS_MADE = "keeper.ready_keys_made"
    HOUSEKEEPING_DONE = "keeper.housekeeping_done"
    OCSP_SIGNER_RENEWED = "keeper.ocsp_signer_renewed"
    TIME_STAMPER_RENEWED = "keeper.time_stamper_renewed"
    CRL_PUBLISHED = "crl.published"
    CRL_FAILED = "crl.failed"
    CHECKPOINT_FAILED = "audit.checkpoint_failed"
    CHECKPOINT_UNSTAMPED = "audit.checkpoint_unstamped"
    AUDIT_BROKEN = "audit.broken"
    OCSP_PRESIGN_FAILED = "ocsp.presign_failed"
    WORK_FAILED = "work.failed"
    MESSAGE_NOT_SENT = "message.not_sent"
    REMINDERS_MADE = "message.reminders_made"

    PUBLISHER_LISTENING = "publisher.listening"
    OCSP_UNANSWERED = "ocsp.unanswered"
    TIMESTAMP_REFUSED = "timestamp.refused"

    LIBRARY_MESSAGE = "library.message"
