"""The contracts of what is published, as files of the Open Data Contract Standard (ODCS 3.1): one for each schema that somebody reads.

Usage:
    for schema, contract in contracts(facts, read_thresholds()).items():
        write_contract(folder / f"{schema}.odcs.yaml", contract)

Nothing is declared for them: tables, types, keys and readers come from the models, classes and terms from the register, what is promised about time from the limits of the monitor.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.govern.inheritance import ReadColumn
from scripts.govern.register import Terms
from scripts.govern.rules import Facts
from scripts.monitor.thresholds import Thresholds
from scripts.warehouse.settings import PUBLISHED_SCHEMA, ROOT

API_VERSION = "v3.1.0"
_UNITS = {"days": "d", "years": "y", "batches": "batch"}
# The first word of a type, as SQL has it.
_LOGICAL = {
    "bigint": "integer",
    "integer": "integer",
    "smallint": "integer",
    "decimal": "number",
    "numeric": "number",
    "double": "number",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
}


def contracts(facts: Facts, thresholds: Thresholds) -> dict[str, dict[str, Any]]:
    """The contract of each schema that anybody but the auditor reads."""
    nodes = {
        f"{node['schema']}.{node['alias']}": node
        for node in facts.manifest["nodes"].values()
        if node["resource_type"] in ("model", "snapshot")
    }
    tables: dict[str, list[ReadColumn]] = {}
    for read in facts.columns:
        tables.setdefault(read.column.relation, []).append(read)
    schemas = sorted({table.split(".")[0] for table in tables})
    return {
        schema: _contract(
            schema,
            {name: columns for name, columns in tables.items() if name.startswith(f"{schema}.")},
            nodes,
            thresholds,
        )
        for schema in schemas
    }


def write_contract(path: Path, contract: dict[str, Any]) -> None:
    """Write a contract as YAML; its folder is made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=160)
    path.write_text(text, encoding="utf-8")


def _contract(
    schema: str,
    tables: dict[str, list[ReadColumn]],
    nodes: dict[str, Any],
    thresholds: Thresholds,
) -> dict[str, Any]:
    project = next(iter(nodes.values()))["package_name"]
    readers = sorted({role for columns in tables.values() for role in columns[0].readers})
    terms = [terms for columns in tables.values() for read in columns for terms in read.terms]
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"{project}.{schema}",
        "name": f"{project} {schema}",
        "version": _project_version(),
        "status": "active",
        "domain": "brokerage",
        "dataProduct": project,
        "description": {
            "purpose": "; ".join(_each(terms.purpose for terms in terms)),
            "usage": "Read what is published: the last green build, as a whole.",
            "limitations": "Columns of the class `personal` are masked, except for auditors.",
        },
        "servers": [
            {
                "server": "duckdb",
                "type": "duckdb",
                "database": "data/published/current/analyst.duckdb",
                "schema": schema,
            },
            {
                "server": "postgres",
                "type": "postgres",
                "host": "localhost",
                "port": 5432,
                "database": "brokerage",
                "schema": f"{PUBLISHED_SCHEMA}_{schema}",
            },
        ],
        "schema": [_table(nodes[name], columns) for name, columns in tables.items()],
        "roles": [{"role": role, "access": "read"} for role in readers],
        "slaProperties": [
            {
                "property": "latency",
                "value": thresholds["batch"]["grace_seconds"],
                "unit": "s",
                "driver": "operational",
                "description": "The monitor tells if the batch of a day is so much later than usual.",
            },
            *(_retention(name, columns) for name, columns in tables.items()),
        ],
    }


def _project_version() -> str:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(declared["project"]["version"])


def _table(node: dict[str, Any], columns: list[ReadColumn]) -> dict[str, Any]:
    key = _key(node)
    return {
        "name": node["alias"],
        "physicalName": node["alias"],
        "physicalType": "view" if node["config"]["materialized"] == "view" else "table",
        "logicalType": "object",
        "description": node["description"].strip(),
        "customProperties": [
            {"property": "owner", "value": owner}
            for owner in _each(terms.owner for read in columns for terms in read.terms)
        ],
        "properties": [
            {
                "name": read.column.name,
                "logicalType": logical_type(read.data_type),
                "physicalType": read.data_type or "varchar",
                "description": read.description.strip(),
                "required": _is_required(node["columns"][read.column.name]),
                **(
                    {"primaryKey": True, "primaryKeyPosition": key.index(read.column.name) + 1}
                    if read.column.name in key
                    else {}
                ),
                "classification": read.classification or "",
            }
            for read in columns
        ],
    }


def logical_type(data_type: str) -> str:
    """What the standard calls a type of SQL."""
    if data_type.endswith("[]"):
        return "array"
    word = re.match("[a-z]*", data_type.lower())
    return _LOGICAL.get(word[0] if word else "", "string")


def _key(node: dict[str, Any]) -> list[str]:
    """The columns of the primary key, in their order."""
    for constraint in node.get("constraints") or ():
        if constraint["type"] == "primary_key":
            return list(constraint["columns"])
    return [name for name, column in node["columns"].items() if "primary_key" in _kinds(column)]


def _is_required(column: dict[str, Any]) -> bool:
    return bool({"not_null", "primary_key"} & {*_kinds(column)})


def _kinds(column: dict[str, Any]) -> list[str]:
    return [constraint["type"] for constraint in column.get("constraints") or ()]


def _retention(name: str, columns: list[ReadColumn]) -> dict[str, Any]:
    """How long the rows of a table are kept: as long as any of the feeds that they come from."""
    terms = max((terms for read in columns for terms in read.terms), key=_days)
    longest = dict(terms.retention)
    (unit,) = set(longest) & set(_UNITS)
    return {
        "property": "retention",
        "value": longest[unit],
        "unit": _UNITS[unit],
        "element": name.split(".")[1],
        "driver": "regulatory",
        "description": f"After {longest['after']}.",
    }


def _days(terms: Terms) -> int:
    """Roughly how long, to compare; a batch is a day."""
    return terms.days or int(dict(terms.retention)["batches"])


def _each(words: Iterator[str] | Sequence[str]) -> list[str]:
    """Each word once, in its order."""
    return list(dict.fromkeys(words))
