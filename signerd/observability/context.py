"""What the log knows of the call at hand."""

from contextvars import ContextVar
from typing import Final

request_id_var: Final[ContextVar[str]] = ContextVar("request_id_var", default="")
"""The request id of the call that the running task works for; "" outside of calls.

Every log line carries it, also those of tasks started on behalf of the call.
"""
