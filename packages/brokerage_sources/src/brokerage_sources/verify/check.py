"""What the verifier is made of: a check, and the result of running it.

A check has a `name` (`<topic>.<what>`), a `claim` (one sentence that is true of sound data) and the
SQL that decides it. Three kinds cover nearly all: `NoRows` (the query lists violations, there must
be none), `Rate` (a share is the documented one within four standard errors) and `Occurs` (something
that must occur, does). The audit comparison and the row-count formulas bring kinds of their
own; anything with a `run` method is a check.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import duckdb

SIGMAS = 4.0


@dataclass(frozen=True)
class Result:
    """What one check found.

    `found` and `expected` are ready to print; `note` adds what a reader needs to know, for instance
    the first violation or the convention that the data follow.
    """

    name: str
    claim: str
    ok: bool
    found: str
    expected: str
    note: str = ""


class Check(Protocol):
    """Anything with a name and a claim that can be decided on loaded sources."""

    @property
    def name(self) -> str:
        """`<topic>.<what>`, unique."""
        ...

    @property
    def claim(self) -> str:
        """One sentence that is true of sound data."""
        ...

    def run(self, connection: duckdb.DuckDBPyConnection) -> list[Result]:
        """Decide the check; one result, or one per batch or attribute."""
        ...


@dataclass(frozen=True)
class NoRows:
    """A claim whose counterexamples a query lists: it holds when the query returns no row."""

    name: str
    claim: str
    sql: str

    def run(self, connection: duckdb.DuckDBPyConnection) -> list[Result]:
        """Count the violations and show the first one."""
        counted = connection.execute(f"select count(*) from ({self.sql})").fetchone()
        violations = int(counted[0]) if counted else 0
        note = _first_row(connection, self.sql) if violations else ""
        return [
            Result(self.name, self.claim, violations == 0, f"{violations} rows", "0 rows", note)
        ]


@dataclass(frozen=True)
class Rate:
    """A share of cases, e.g. of empty fields: it is `share` within four standard errors.

    `sql` returns one row `(hits, trials)` of independent trials. `measured_on` is set when the
    documented share is itself an estimate, from so many trials: its sampling error then joins the
    tolerance.
    """

    name: str
    claim: str
    share: float
    sql: str
    measured_on: int | None = None

    def run(self, connection: duckdb.DuckDBPyConnection) -> list[Result]:
        """Compare the share found with the documented one; no trials is a failure."""
        row = connection.execute(self.sql).fetchone()
        hits, trials = (int(row[0] or 0), int(row[1])) if row else (0, 0)
        if trials == 0:
            return [Result(self.name, self.claim, False, "no cases", f"{self.share:.5g}")]
        tolerance = self.tolerance(trials)
        found = hits / trials
        return [
            Result(
                self.name,
                self.claim,
                abs(found - self.share) <= tolerance,
                f"{found:.5f}",
                f"{self.share:.5f} ± {tolerance:.5f}",
                f"{hits} of {trials}, {(found - self.share) * SIGMAS / tolerance:+.1f} sigma",
            )
        ]

    def tolerance(self, trials: int) -> float:
        """Four binomial standard errors of a share estimated from `trials` cases."""
        variance = self.share * (1 - self.share) / trials
        if self.measured_on:
            variance += self.share * (1 - self.share) / self.measured_on
        return SIGMAS * math.sqrt(variance)


@dataclass(frozen=True)
class Occurs:
    """Something that must occur in every listed batch.

    `sql` returns rows `(batch_id, occurrences)`; a batch without a row has none. `batches` is the
    SQL condition on `batches.batch_id` that names the batches in which it must occur.
    """

    name: str
    claim: str
    sql: str
    batches: str = "true"

    def run(self, connection: duckdb.DuckDBPyConnection) -> list[Result]:
        """Report the number of occurrences of each batch; a batch without any fails."""
        rows = connection.execute(
            f"""
            select batch_id, coalesce(occurrences, 0)
            from (select batch_id from batches where {self.batches})
            left join ({self.sql}) using (batch_id)
            order by batch_id
            """
        ).fetchall()
        return [
            Result(
                f"{self.name}.batch_{batch_id}",
                self.claim,
                occurrences > 0,
                str(occurrences),
                "at least 1",
            )
            for batch_id, occurrences in rows
        ]


def _first_row(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The first violation, as `column=value` pairs, in a stable order."""
    cursor = connection.execute(f"select * from ({sql}) order by all limit 1")
    row = cursor.fetchone()
    if row is None:
        return ""
    names = [column[0] for column in cursor.description]
    shown = ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))
    return f"first: {shown}"
