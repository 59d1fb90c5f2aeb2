"""The formats of answers: which one a client accepts, and rows written in it, piece by piece.

Usage:
    media_type = accepted("text/csv, */*;q=0.1")
    for piece in written(media_type, batches, kinds):
        send(piece)
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from scripts.serve.api.kinds import Kind
from scripts.serve.api.problems import NOT_ACCEPTABLE, Problem

if TYPE_CHECKING:
    import pyarrow as pa

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
MEDIA_TYPES = (JSON, CSV, ARROW, PARQUET)
# Rows that are compressed together in a file of Parquet.
_ROWS_OF_A_GROUP = 100_000


def accepted(header: str | None) -> str:
    """The format that a client likes best; JSON if it takes anything.

    Raises:
        Problem: it takes none of them.
    """
    wanted = [_range(part) for part in (header or "*/*").split(",") if part.strip()]
    best, best_weight = None, 0.0
    for media_type in MEDIA_TYPES:
        # The most precise of the ranges that fit counts.
        fitting = [(len(name), weight) for name, weight in wanted if _fits(name, media_type)]
        weight = max(fitting)[1] if fitting else 0.0
        if weight > best_weight:
            best, best_weight = media_type, weight
    if best is None:
        raise Problem(NOT_ACCEPTABLE, f"Accept: {(header or '')[:100]}: no such format")
    return best


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip().lower() for each in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                weight = float(parameter[2:])
            except ValueError:
                weight = 0.0
    return name, weight if 0 <= weight <= 1 else 0.0


def _fits(name: str, media_type: str) -> bool:
    # The shortest names are the least precise: */*, then text/*, then text/csv.
    return name in ("*/*", media_type, f"{media_type.partition('/')[0]}/*")


def json_rows(columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Each row as an object of JSON. Numbers keep all their digits."""
    writers = [(f"{json.dumps(name)}:", kind.write) for name, kind in columns.items()]
    for row in rows:
        cells = (
            f"{label}{'null' if value is None else write(value)}"
            for (label, write), value in zip(writers, row, strict=True)
        )
        yield f"{{{','.join(cells)}}}"


def json_envelope(data: str, about: Mapping[str, Any]) -> bytes:
    """Rows as JSON, and what is said about them."""
    return f'{{"data":[{data}],{_compact(about)[1:]}'.encode()


def written(
    media_type: str,
    schema: "pa.Schema",
    batches: Iterable["pa.RecordBatch"],
    columns: Mapping[str, Kind],
    envelope: Mapping[str, Any],
) -> Iterator[bytes]:
    """Rows in a format, piece by piece.

    Args:
        media_type: one of `MEDIA_TYPES`.
        schema: of the batches.
        batches: the rows.
        columns: their kinds, for JSON.
        envelope: what JSON says beside `data`.
    """
    if media_type == JSON:
        return _json(batches, columns, envelope)
    writer: dict[str, Callable[..., Iterator[bytes]]] = {
        CSV: _csv,
        ARROW: _arrow,
        PARQUET: _parquet,
    }
    return writer[media_type](schema, batches)


def _json(
    batches: Iterable["pa.RecordBatch"], columns: Mapping[str, Kind], envelope: Mapping[str, Any]
) -> Iterator[bytes]:
    yield b'{"data":['
    is_first = True
    for batch in batches:
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        text = ",\n".join(json_rows(columns, rows))
        if text:
            yield (text if is_first else f",\n{text}").encode()
            is_first = False
    yield f"],{_compact(envelope)[1:]}".encode()


def _csv(schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> Iterator[bytes]:
    from pyarrow import csv

    sink = _Sink()
    # Even if there are no rows, there is a header.
    with csv.CSVWriter(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _arrow(schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> Iterator[bytes]:
    import pyarrow as pa

    sink = _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _parquet(schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    sink = _Sink()
    collected: list[pa.RecordBatch] = []
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            collected.append(batch)
            if sum(each.num_rows for each in collected) >= _ROWS_OF_A_GROUP:
                writer.write_table(pa.Table.from_batches(collected, schema))
                collected.clear()
                yield sink.taken()
        if collected:
            writer.write_table(pa.Table.from_batches(collected, schema))
    yield sink.taken()


def _compact(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


class _Sink(BytesIO):
    """A file that forgets what was taken out of it."""

    def __init__(self) -> None:
        super().__init__()
        self._before = 0

    def tell(self) -> int:
        """The place in the whole file."""
        return self._before + super().tell()

    def taken(self) -> bytes:
        """What was written since the last time."""
        content = self.getvalue()
        self._before += len(content)
        self.seek(0)
        self.truncate()
        return content
