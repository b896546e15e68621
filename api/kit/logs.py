"""Log lines: events with fields, one JSON object a line. A filter refuses bytes, arrays and secrets by type."""

import logging
import sys
from collections.abc import MutableMapping
from datetime import date, datetime
from typing import Any

import structlog

ALLOWED = (str, int, float, bool, type(None), datetime, date)
LONGEST = 200


def set_up_logs(*, level: int = logging.INFO) -> None:
    """Send events to standard error as JSON lines."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            refuse_by_type,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # looked up each time: it may be redirected
        cache_logger_on_first_use=False,
    )


def refuse_by_type(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what is not a short plain value: pictures, vectors and rows have no place in a log."""
    for key, value in event.items():
        if key == "exc_info":
            continue
        if not isinstance(value, ALLOWED) or (isinstance(value, str) and len(value) > LONGEST):
            event[key] = f"<{type(value).__name__} refused>"
    return event
