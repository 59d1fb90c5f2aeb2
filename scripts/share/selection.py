"""What a policy shares of a table: the SQL that reads it from what is published, and the keyed hashes, which no engine computes.

Usage:
    selection = Selection.of(table, model, role="auditor")
    statement = selection.statement(session.relation(table.table))
    reader = with_keyed_hashes(session.batches(statement.sql, statement.values), selection.hashed, key)

True values of personal columns leave the engine only to be hashed, and are written nowhere.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from scripts.serve.api.kinds import kind_of
from scripts.serve.api.questions import Condition, Statement
from scripts.share.policies import PersonalColumn, SharedTable, SmallGroups, Transformation
from scripts.share.rules import Column, Model

_COUNTED = "_counted"
_GROUP = "_group_size"


@dataclass(frozen=True)
class SharedColumn:
    """A column as the recipient gets it.

    Attributes:
        column: that it is made of.
        transformation: what was done to it; None if it is shared as it is.
        expression: of SQL, on any engine.
        data_type: of SQL.
    """

    column: Column
    transformation: Transformation | None
    expression: str
    data_type: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.column.name


@dataclass(frozen=True)
class Selection:
    """What is shared of a table.

    Attributes:
        columns: in the order of the model.
        key: the columns of the key.
        conditions: that all rows meet, with the types of their columns.
        small_groups: the rule for them; None if there is none.
    """

    columns: tuple[SharedColumn, ...]
    key: tuple[str, ...]
    conditions: tuple[tuple[Condition, str], ...]
    small_groups: SmallGroups | None

    @classmethod
    def of(cls, table: SharedTable, model: Model, role: str) -> Self:
        """What a policy that violates no rule shares of a table.

        Args:
            table: of the policy.
            model: as declared.
            role: that reads it; analysts see masks.
        """
        is_masked = f"brokerage_{role}" in model.published.masked_grants
        columns = tuple(
            _shared(
                column,
                table.personal.get(name),
                "" if is_masked else model.published.masks.get(name, ""),
            )
            for name, column in model.columns.items()
            if name in table.shared
        )
        conditions = tuple(
            (Condition.parse(name, kind_of(data_type), text), data_type)
            for name, texts in table.rows.items()
            for data_type in (model.columns[name].data_type,)
            for text in texts
        )
        return cls(columns, model.key, conditions, table.small_groups)

    @property
    def hashed(self) -> frozenset[str]:
        """The columns whose values become keyed hashes."""
        return frozenset(
            column.name
            for column in self.columns
            if column.transformation is Transformation.KEYED_HASH
        )

    def statement(self, relation: str) -> Statement:
        """The rows, given the table as in a FROM clause."""
        selected = ", ".join(f'{column.expression} as "{column.name}"' for column in self.columns)
        parts = [condition.statement(kind_of(kind)) for condition, kind in self.conditions]
        where = " where " + " and ".join(part.sql for part in parts) if parts else ""
        values = tuple(value for part in parts for value in part.values)
        if self.small_groups is None:
            return Statement(f"select {selected} from {relation}{where}", values)
        return Statement(
            _without_small_groups(
                [column.name for column in self.columns],
                f"select {selected}, {self._counted()} as {_COUNTED} from {relation}{where}",
                self.small_groups,
            ),
            values,
        )

    def _counted(self) -> str:
        assert self.small_groups is not None
        return f'"{self.small_groups.counted}"' if self.small_groups.counted else "1"


def with_keyed_hashes(
    reader: pa.RecordBatchReader, hashed: frozenset[str], key: bytes
) -> pa.RecordBatchReader:
    """The same rows with hashes in place of the values of some columns, which are text."""
    if not hashed:
        return reader
    schema = reader.schema
    places = [schema.get_field_index(name) for name in sorted(hashed)]

    def read() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            columns = batch.columns
            for place in places:
                columns[place] = _hashed(columns[place], key)
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, read())


def keyed_hash(value: str, key: bytes) -> str:
    """What the recipient gets in place of a value: HMAC-SHA-256, in hexadecimal."""
    return hmac.digest(key, value.encode(), "sha256").hex()


def _hashed(values: pa.Array, key: bytes) -> pa.Array:
    """Each different value is hashed once."""
    encoded = values.dictionary_encode()
    hashes = [keyed_hash(value, key) for value in encoded.dictionary.to_pylist()]
    return pa.array(hashes, values.type).take(encoded.indices)


def _shared(column: Column, personal: PersonalColumn | None, mask: str) -> SharedColumn:
    name, data_type = f'"{column.name}"', column.data_type
    transformation = personal.transformation if personal else None
    if data_type == "uuid" or transformation is Transformation.KEYED_HASH:
        # Programs that read Parquet show a UUID as 16 bytes, if they know it at all.
        data_type = "varchar"
    if transformation is Transformation.YEAR:
        data_type = "integer"
    expression = name
    if transformation is Transformation.MASK and mask:
        expression = mask
    elif transformation is Transformation.YEAR:
        expression = f"cast(extract(year from {name}) as integer)"
    elif transformation is Transformation.BUCKET:
        assert personal is not None
        size = personal.size
        expression = f"cast(floor(cast({name} as decimal(38,4)) / {size}) * {size} as {data_type})"
    elif data_type == "varchar" and (transformation or column.data_type != "uuid"):
        # A UUID becomes text last: until then it is shorter.
        expression = f"cast({name} as varchar)"
    return SharedColumn(column, transformation, expression, data_type)


def _without_small_groups(columns: list[str], rows: str, groups: SmallGroups) -> str:
    """Rows of groups that have as many different values of the counted column, or rows, as the rule asks for."""
    by = ", ".join(f'"{name}"' for name in groups.by)
    names = ", ".join(f'"{name}"' for name in columns)
    if groups.counted is None:
        size, ranked = f"count(*) over (partition by {by})", rows
    else:
        # No engine counts different values in a window: the highest rank is their number. NULL is nobody.
        size = f"max(case when {_COUNTED} is not null then {_GROUP} else 0 end) over (partition by {by})"
        rank = f"dense_rank() over (partition by {by} order by {_COUNTED} nulls last)"
        ranked = f"select rows.*, {rank} as {_GROUP} from ({rows}) as rows"
    sized = f"select {names}, {size} as _size from ({ranked}) as ranked"
    return f"select {names} from ({sized}) as sized where _size >= {groups.minimum}"
