"""What became of a fault."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One fault that was made.

    Attributes:
        fault: its kind, as in the table.
        place: where and how it was made, enough to make it again with the same seed.
        effect: what the run said or did about it, in a word.
        problems: what should not have happened; empty if a plain re-run repaired the fault.
        detail: the effect in full.
    """

    fault: str
    place: str
    effect: str
    problems: tuple[str, ...] = ()
    detail: str = ""
