"""Settings of the dashboard.

Usage:
    role = reading_role()
"""

import os

# Who reads, as whoever starts the dashboard says.
ROLE = "DASHBOARD_ROLE"
DEFAULT_ROLE = "analyst"


def reading_role() -> str:
    """The role as which the dashboard reads."""
    return os.environ.get(ROLE) or DEFAULT_ROLE
