"""A set for data scientists: customers or prospects, as-of dates, features and outcomes, split by time and by key, as Parquet with a manifest and a data card.

Usage:
    written = write_dataset(session, question, Request(until=date(2016, 12, 31)), folder)

The same request gives the same bytes, however much has come since: features and outcomes of a date do not change, they are sampled and split by a hash of their
key, and nothing in the files tells when they were made or from which version.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from scripts.learn.examples import Examples, read_examples
from scripts.learn.question import Keys, KeyType, LearnError, Question
from scripts.serve.sessions import Session
from scripts.warehouse.files import flush, flush_tree

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
MANIFEST, CARD = "manifest.json", "README.md"
_BUCKETS = 1000


@dataclass(frozen=True)
class Request:
    """What a set should hold.

    Attributes:
        since: the first as-of date.
        until: the last one.
        validation_from: as-of dates from here on are for validation,
        test_from: and from here on for tests.
        sample: the share of customers.
        apart: the share of customers that are only in the validation and the test; 0: the same customers are in all parts.
    """

    until: date
    since: date = date(1900, 1, 1)
    validation_from: date | None = None
    test_from: date | None = None
    sample: float = 1.0
    apart: float = 0.0

    def __post_init__(self) -> None:
        for name in ("sample", "apart"):
            if not 0 <= getattr(self, name) <= 1:
                raise LearnError(f"--{name} must be a share from 0 to 1, not {getattr(self, name)}")


def write_dataset(
    session: Session, question: Question, request: Request, folder: Path
) -> dict[str, int]:
    """Write a set into a new folder; returns the number of rows of each part.

    Raises:
        LearnError: it would be empty, the folder is there, or cannot be written.
    """
    if folder.exists():
        raise LearnError(f"{folder}: is there already; name a new folder")
    examples = read_examples(session, question)
    chosen = examples[
        (examples.dates >= np.datetime64(request.since))
        & (examples.dates <= np.datetime64(request.until))
        & (buckets(examples.ids, "sample") < request.sample * _BUCKETS)
    ]
    if not len(chosen):
        raise LearnError(
            f"no {question.entity} and date fit; the as-of dates are those of {question.examples}"
        )
    dates = chosen.all_dates
    part = _parts(chosen, request, dates)
    beside = folder.with_name(f".{folder.name}.{uuid4()}")
    try:
        beside.mkdir(parents=True)
        rows = {name: _write_part(beside, question, chosen[part == name], name) for name in PARTS}
        _describe(beside, question, request, chosen, rows)
        flush_tree(beside)
        beside.rename(folder)
        flush(folder.parent)
    except OSError as error:
        raise LearnError(
            f"{folder}: cannot be written: {error.strerror}; make room there, or name another folder"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return rows


def buckets(ids: Keys, purpose: str) -> npt.NDArray[np.int64]:
    """A number from 0 to 999 for each key, the same for all time; another one for each purpose."""
    keys, inverse = np.unique(ids, return_inverse=True)
    numbers = [
        int.from_bytes(hashlib.blake2b(f"{purpose}/{each}".encode(), digest_size=8).digest())
        % _BUCKETS
        for each in keys.tolist()
    ]
    return np.array(numbers, dtype=np.int64)[inverse]


def _parts(chosen: Examples, request: Request, dates: Sequence[date]) -> npt.NDArray[np.str_]:
    """The part that each row belongs to, or an empty text."""
    test_from = request.test_from or dates[len(dates) * 4 // 5]
    validation_from = request.validation_from or dates[len(dates) * 3 // 5]
    part = np.where(
        chosen.dates >= np.datetime64(test_from),
        TEST,
        np.where(chosen.dates >= np.datetime64(validation_from), VALIDATION, TRAIN),
    )
    if request.apart:
        is_apart = buckets(chosen.ids, "apart") < request.apart * _BUCKETS
        part = np.where((part == TRAIN) == is_apart, "", part)
    return part


def _write_part(folder: Path, question: Question, rows: Examples, name: str) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        question.key: pa.array(
            rows.ids.tolist(), pa.int64() if question.key_type is KeyType.NUMBER else pa.string()
        ),
        "as_of_date": pa.array(rows.dates, pa.date32()),
        **{
            feature.name: pa.array(values, pa.float64(), from_pandas=True)
            for feature, values in zip(question.features, rows.columns, strict=True)
        },
        question.outcome: pa.array(rows.outcomes, pa.bool_()),
    }
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return len(rows)


def _describe(
    folder: Path, question: Question, request: Request, chosen: Examples, rows: dict[str, int]
) -> None:
    asked = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(request).items()
    }
    files = {
        f"{name}.parquet": {
            "rows": rows[name],
            "sha256": hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest(),
        }
        for name in PARTS
    }
    manifest = {
        "question": question.name,
        "request": asked,
        "features": [asdict(feature) for feature in question.features],
        "outcome": question.outcome,
        "fingerprint": chosen.fingerprint(),
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(_card(question, chosen, rows), encoding="utf-8")


def _card(question: Question, chosen: Examples, rows: dict[str, int]) -> str:
    dates = chosen.all_dates
    parts = "\n".join(f"| `{name}.parquet` | {count:,} |" for name, count in rows.items())
    features = "\n".join(
        f"| `{feature.name}` | {feature.transformation.value.replace('_', ' ')} | {np.mean(np.isnan(values)):.1%} |"
        for feature, values in zip(question.features, chosen.columns, strict=True)
    )
    return f"""# Data card: {question.name}

A row is a {question.entity} on an as-of date, {dates[0]} to {dates[-1]}: what could be known on that day, and in `{question.outcome}` what became of it in the
{question.horizon_days} days after it. {len(chosen):,} rows, of which {int(np.sum(chosen.outcomes)):,} {question.happened}.

| file | rows |
|---|---|
{parts}

| feature | a model takes | missing |
|---|---|---|
{features}

The {question.entities} are named by a key, and no other column identifies a person; whoever knows the key reads what is said about it. What the columns mean: the models
`{question.examples}` and `{question.outcomes}` of the warehouse.
"""
