"""Resources: the tables that the API serves. Each is declared in the YAML of its model, under `meta.api`, and nowhere else.

Usage:
    for resource in resources(declarations).values():
        print(resource.name, resource.key)

    config:
      meta:
        api:
          name: trades                          # in the address; the name of the model if it is not given
          key: [trade_id]                       # the primary key; its columns are the rest of the address of one row
          filters: [status, type, trade_price]  # columns that rows can be chosen and sorted by, besides the key
          order: [-trade_id]                    # of the rows, a minus for descending; the key if it is not given
          page_size: 500                        # rows of a page, if nobody asks for another number; 100 if it is not given
          sunset: 2027-06-30                    # when the resource goes, if that is decided
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from scripts.serve.api.kinds import Kind, kind_of
from scripts.serve.declarations import Declarations

PAGE_SIZE = 100
LARGEST_PAGE = 10_000
_NAME = re.compile("[a-z][a-z0-9_]*")
_FIELDS = {"name", "key", "filters", "order", "page_size", "sunset"}
# Parameters of every resource, so a column cannot be filtered by these names.
OF_ALL_ROWS = ("select", "order")
OF_PAGES = (*OF_ALL_ROWS, "limit", "after", "count")
# Other parts of the API have these addresses.
_TAKEN = ("metrics", "downloads")


@dataclass(frozen=True)
class Column:
    """A column of a resource."""

    name: str
    description: str
    kind: Kind
    is_nullable: bool


@dataclass(frozen=True)
class Order:
    """A column that rows are sorted by; NULL comes last."""

    column: str
    is_descending: bool = False

    @property
    def text(self) -> str:
        """As in the parameter `order`."""
        return f"-{self.column}" if self.is_descending else self.column

    @classmethod
    def parse(cls, text: str) -> "Order":
        """From the parameter `order`."""
        return cls(text.removeprefix("-"), text.startswith("-"))


@dataclass(frozen=True)
class Resource:
    """A table that the API serves.

    Attributes:
        name: in the address.
        table: `schema.table`.
        description: of the model.
        columns: by name, in their order.
        key: the columns that name one row.
        filters: the columns that rows can be chosen and sorted by; the key is among them.
        order: of the rows, if nobody asks for another one; ends with the key, so that no two rows are alike.
        page_size: rows of a page, if nobody asks for another number.
        deprecated_on: the day from which nobody should use it any more.
        sunset: the day on which it goes.
    """

    name: str
    table: str
    description: str
    columns: dict[str, Column]
    key: tuple[str, ...]
    filters: tuple[str, ...]
    order: tuple[Order, ...]
    page_size: int
    deprecated_on: date | None
    sunset: date | None

    @cached_property
    def path(self) -> str:
        """The address of its rows."""
        return f"/v1/{self.name}"

    @cached_property
    def download_path(self) -> str:
        """The address of all its rows at once."""
        return f"/v1/downloads/{self.name}"

    @cached_property
    def key_path(self) -> str:
        """The address of one row, with the columns of the key in braces."""
        return "/".join([self.path, *(f"{{{name}}}" for name in self.key)])


def resources(declarations: Declarations) -> dict[str, Resource]:
    """All resources, by name."""
    found = [
        _resource(table, node, declarations)
        for table, node in declarations.nodes.items()
        if _declared(node) and table in declarations.tables
    ]
    return {resource.name: resource for resource in sorted(found, key=lambda each: each.name)}


def _resource(table: str, node: dict[str, Any], declarations: Declarations) -> Resource:
    declared = _declared(node)
    key = tuple(declared["key"])
    filters = tuple(dict.fromkeys((*key, *declared.get("filters", ()))))
    order = [Order.parse(text) for text in declared.get("order", ())]
    required = _never_null(node) - declarations.tables[table].masks.keys()
    return Resource(
        name=declared.get("name", node["alias"]),
        table=table,
        description=" ".join((node.get("description") or "").split()),
        columns={
            name: Column(
                name,
                " ".join((column.get("description") or "").split()),
                kind_of(column["data_type"]),
                name not in required,
            )
            for name, column in node["columns"].items()
        },
        key=key,
        filters=filters,
        order=with_key(order, key),
        page_size=declared.get("page_size", PAGE_SIZE),
        deprecated_on=_day(node.get("deprecation_date")),
        sunset=_day(declared.get("sunset")),
    )


def with_key(order: list[Order], key: tuple[str, ...]) -> tuple[Order, ...]:
    """An order in which no two rows are alike; of a column that is named twice, the first time counts."""
    columns: dict[str, Order] = {}
    for each in (*order, *(Order(name) for name in key)):
        columns.setdefault(each.column, each)
    return tuple(columns.values())


def problems_of(node: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with `meta.api` of a model; nothing if it has none.

    Args:
        node: the model, as in the manifest of dbt.
        names: of resources that other models have, with the name of the model.
    """
    declared = _declared(node)
    if not declared:
        return
    if not isinstance(declared, dict) or not isinstance(declared.get("key"), list):
        yield "meta.api has no list `key`"
        return
    columns, key = node["columns"], declared["key"]
    for field in sorted(declared.keys() - _FIELDS):
        yield f"meta.api.{field}: there are only {', '.join(sorted(_FIELDS))}"
    name = declared.get("name", node["alias"])
    if not _NAME.fullmatch(str(name)) or name in _TAKEN:
        yield f"meta.api.name: {name!r} is no name for an address; write lower case letters and `_`, none of {', '.join(_TAKEN)}"
    if name in names:
        yield f"meta.api.name: {name} is the name of {names[name]}, too"
    if set(key) != primary_key(node):
        yield f"meta.api.key: {', '.join(key)} is not the primary key in the constraints of the model"
    for field in ("key", "filters", "order"):
        for text in declared.get(field, ()):
            column = str(text).removeprefix("-") if field == "order" else text
            if column not in columns:
                yield f"meta.api.{field}: there is no column {column}"
            elif column in OF_PAGES:
                yield f"meta.api.{field}: {column} is a parameter of every resource"
            elif field != "key" and columns[column].get("meta", {}).get("personal"):
                yield f"meta.api.{field}: {column} is personal; who may not see it must not find rows by it"
    for text in declared.get("order", ()):
        if str(text).removeprefix("-") not in (*key, *declared.get("filters", ())):
            yield f"meta.api.order: {text} is neither in key nor in filters"
    size = declared.get("page_size", PAGE_SIZE)
    if not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
        yield f"meta.api.page_size: {size}; write a number from 1 to {LARGEST_PAGE}"
    try:
        _day(declared.get("sunset"))
    except ValueError:
        yield f"meta.api.sunset: {declared['sunset']!r} is no day; write it as 2027-06-30"


def name_of(node: Mapping[str, Any]) -> str | None:
    """The name of the resource of a model; None if it has none."""
    declared = _declared(node)
    return declared.get("name", node["alias"]) if isinstance(declared, dict) and declared else None


def _declared(node: Mapping[str, Any]) -> Any:
    return ((node.get("config") or {}).get("meta") or {}).get("api") or {}


def primary_key(node: Mapping[str, Any]) -> set[str]:
    """The columns of the primary key in the constraints of a model, as in the manifest of dbt."""
    of_columns = {
        name
        for name, column in node["columns"].items()
        if any(each["type"] == "primary_key" for each in column.get("constraints") or ())
    }
    of_model = [
        each["columns"] for each in node.get("constraints") or () if each["type"] == "primary_key"
    ]
    return of_columns.union(*of_model)


def _never_null(node: Mapping[str, Any]) -> set[str]:
    declared = {
        name
        for name, column in node["columns"].items()
        if any(each["type"] == "not_null" for each in column.get("constraints") or ())
    }
    return declared | primary_key(node)


def _day(value: Any) -> date | None:
    if value is None:
        return None
    return datetime.fromisoformat(str(value)).date()
