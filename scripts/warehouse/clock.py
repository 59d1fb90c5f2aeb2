"""The time now, in the form that all times of the warehouse have.

Usage:
    started_at = utc_now()
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now, in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
