"""Scores of all customers, or prospects, by champion and challenger, as files of a feed: they land by their contract (models/staging/learn), and are ml.scores.

Usage:
    for scored in score(session, question, registry, Path("data/scores")):
        print(scored.file, scored.customers)

There is one file for each batch and role, `Batch<number>/scores-<model>-<role>.parquet`. It is written beside and renamed, and is a function of the published version and
the model: scoring again changes nothing. The challenger scores in shadow mode: nobody is contacted because of it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scripts.learn.artifact import REASONS, Model
from scripts.learn.examples import Examples, read_today
from scripts.learn.question import LearnError, Numbers, Question
from scripts.learn.registry import ALIASES, Registry
from scripts.serve.sessions import Session
from scripts.warehouse.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS = 9


@dataclass(frozen=True)
class Scored:
    """What was scored.

    Attributes:
        file: with the scores.
        role: champion or challenger.
        version: of the model.
        rows: how many were scored.
        chosen: how many are worth a contact.
        is_new: whether the file has changed.
    """

    file: Path
    role: str
    version: int
    rows: int
    chosen: int
    is_new: bool


def score(session: Session, question: Question, registry: Registry, folder: Path) -> list[Scored]:
    """Score all who have features as of the last batch of a published version.

    Raises:
        LearnError: there is no champion and no challenger, or a file cannot be written.
        ServeError: the features cannot be read.
    """
    aliases = registry.aliases(question.name)
    if not aliases:
        raise LearnError(
            f"{question.name}: there is neither champion nor challenger; train first: python -m scripts.learn train"
        )
    today = read_today(session, question)
    place = folder / f"Batch{session.manifest.batch_id}"
    found = []
    for role in ALIASES:
        file = place / f"scores-{question.name}-{role}.parquet"
        if role not in aliases:
            # Who has lost the role has no scores in it.
            file.unlink(missing_ok=True)
            continue
        model = registry.model(question.name, aliases[role])
        table = scored_table(model, role, aliases[role], today, question, session.manifest.version)
        at_risk = int(np.sum(table.column("is_at_risk").to_numpy(zero_copy_only=False)))
        is_new = _write(table, file)
        found.append(Scored(file, role, aliases[role], len(today), at_risk, is_new))
    return found


def probabilities_of(model: Model, examples: Examples, question: Question) -> Numbers:
    """How likely it happens to each, as it is written down and answered everywhere."""
    inputs = examples.taken_by(model.features, question.features)
    return np.round(model.probabilities(inputs), _DIGITS)


def scored_table(
    model: Model, role: str, version: int, today: Examples, question: Question, published: str
) -> "pa.Table":
    """The rows of a file of scores; reasons are given for those who are worth a contact."""
    import pyarrow as pa

    probabilities = probabilities_of(model, today, question)
    is_at_risk = probabilities >= model.description.threshold
    rows = len(today)
    reasons: list[list[str | None]] = [[None] * rows for _ in range(REASONS)]
    chosen = np.flatnonzero(is_at_risk)
    if len(chosen):
        inputs = today[chosen].taken_by(model.features, question.features)
        for row, names in zip(chosen.tolist(), model.reasons(inputs), strict=True):
            for number, name in enumerate(names):
                reasons[number][row] = name
    return pa.table(
        {
            "model_name": pa.array([question.name] * rows, pa.string()),
            "model_version": pa.array([version] * rows, pa.int32()),
            "role": pa.array([role] * rows, pa.string()),
            **_keys(today, question),
            "as_of_date": pa.array(today.dates, pa.date32()),
            "probability": pa.array(probabilities).cast(pa.decimal128(10, _DIGITS), safe=False),
            "is_at_risk": pa.array(is_at_risk),
            **{
                f"reason_{number}": pa.array(names, pa.string())
                for number, names in enumerate(reasons, start=1)
            },
            "published_version": pa.array([published] * rows, pa.string()),
        }
    )


def _keys(today: Examples, question: Question) -> "dict[str, pa.Array]":
    """The columns of all keys, of which a row has the one of its question."""
    import pyarrow as pa

    kinds = {"customer_id": pa.int64(), "agency_id": pa.string()}
    return {
        name: pa.array(today.ids.tolist() if name == question.key else [None] * len(today), kind)
        for name, kind in kinds.items()
    }


def _write(table: "pa.Table", file: Path) -> bool:
    """Write a file, unless it is there with the same rows."""
    import pyarrow.parquet as pq

    try:
        if file.exists() and pq.read_table(file).equals(table):
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        # The loader does not see hidden files.
        with replacing(file) as beside:
            pq.write_table(table, beside)
    except OSError as error:
        raise LearnError(
            f"{file}: cannot be written: {error.strerror or error}; make room there, or set SCORES to a folder that can be written"
        ) from error
    return True
