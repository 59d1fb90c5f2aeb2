"""The outcome of a fault."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One fault that was made.

    Attributes:
        fault: its kind, as in the table.
        place: where and how it was made, enough to repeat it with the same seed.
        effect: how the run reacted, in a word.
        problems: what should not have happened; empty if a plain re-run repaired the fault.
        detail: the effect in full.
    """

    fault: str
    place: str
    effect: str
    problems: tuple[str, ...] = ()
    detail: str = ""
