"""The checks themselves; importing this package registers them, in the order in which they are listed."""

from scripts.monitor.checks import feeds, models, places, postgres, runs

__all__ = ["feeds", "models", "places", "postgres", "runs"]
