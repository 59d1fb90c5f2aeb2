"""What the contracts of feeds and tables say at a commit, what has changed since, and whom it affects.

Usage:
    before, now = Declared.at("v1.0"), Declared.here()
    for change in differences(before, now):
        print(change.is_breaking, change.subject, change.what, before.affected(change))

Read from the YAML of the project, so a commit that can no longer be installed can be compared, too.
"""

import io
import re
import subprocess
import tarfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml

from scripts.load.contracts import YAML_LOADER
from scripts.warehouse.settings import ROOT

_PROJECT = "dbt_project.yml"
_FOLDERS = ("models", "snapshots")
_FEEDS = "staging"


class ContractsError(Exception):
    """A commit that is not there, or whose declarations cannot be read."""


@dataclass(frozen=True)
class ColumnContract:
    """What is promised of a column.

    Attributes:
        data_type: its type; empty if none is declared.
        is_required: never NULL.
        is_key: part of the key.
        mask: what those who may not read personal columns see; empty if they see the value.
    """

    data_type: str
    is_required: bool
    is_key: bool
    mask: str


@dataclass(frozen=True)
class Contract:
    """What is promised of a feed or a table.

    Attributes:
        columns: by name, in their order.
        readers: the roles that may select from a table; empty for a feed.
        layout: how the files of a feed are written, without its columns; empty for a table.
    """

    columns: dict[str, ColumnContract]
    readers: tuple[str, ...] = ()
    layout: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One difference between two commits.

    Attributes:
        subject: `schema.table`, or `feed system.name`.
        column: of it; empty if it is about all of it.
        what: in words.
        is_breaking: whoever has relied on the earlier contract may have to change something.
    """

    subject: str
    column: str
    what: str
    is_breaking: bool

    def __str__(self) -> str:
        place = f"{self.subject}.{self.column}" if self.column else self.subject
        return f"{place}: {self.what}"


@dataclass(frozen=True)
class Declared:
    """The declarations of a commit, or of the working tree: the text of each file by its path."""

    files: Mapping[str, str]

    @classmethod
    def here(cls, root: Path = ROOT) -> Self:
        """Those of the working tree."""
        paths = [
            root / _PROJECT,
            *(path for each in _FOLDERS for path in (root / each).rglob("*.yml")),
        ]
        return cls(
            {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}
        )

    @classmethod
    def at(cls, revision: str, root: Path = ROOT) -> Self:
        """Those of a commit, tag or branch.

        Raises:
            ContractsError: if Git does not know it.
        """
        command = ["git", "-C", str(root), "archive", "--format=tar", "--end-of-options", revision]
        try:
            done = subprocess.run([*command, _PROJECT, *_FOLDERS], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            raise ContractsError(
                f"Git has no contracts at {revision}: {said.decode(errors='replace').strip()}"
            ) from error
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            return cls(
                {
                    member.name: content.read().decode()
                    for member in archive
                    if member.name.endswith(".yml") and (content := archive.extractfile(member))
                }
            )

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contracts by subject: feeds, and tables that anybody but the auditor reads."""
        found: dict[str, Contract] = {}
        for path, content in self._contents.items():
            for source in content.get("sources") or ():
                for table in source["tables"]:
                    found[f"feed {source['name']}.{table['name']}"] = _of_feed(table)
            layer = _layer(path)
            readers = self._readers(path)
            if layer != _FEEDS and set(readers) - self._see_all:
                for node in (*(content.get("models") or ()), *(content.get("snapshots") or ())):
                    own = ((node.get("config") or {}).get("grants") or {}).get("select")
                    found[f"{layer}.{node['name']}"] = _of_table(node, own or readers)
        return found

    def affected(self, change: Change) -> list[str]:
        """Who relies on what has changed: exposures, metrics and roles."""
        table = change.subject.rpartition(".")[2]
        if change.subject.startswith("feed "):
            return [f"source system {change.subject.removeprefix('feed ').partition('.')[0]}"]
        exposures = [
            f"exposure {exposure['name']} ({exposure['owner']['name']})"
            for content in self._contents.values()
            for exposure in content.get("exposures") or ()
            if f"ref('{table}')" in exposure.get("depends_on", ())
        ]
        metrics = [f"metric {name}" for name in sorted(self._metrics(table, change.column))]
        contract = self.contracts.get(change.subject, Contract({}))
        return [*exposures, *metrics, *(f"role {name}" for name in contract.readers)]

    @cached_property
    def _contents(self) -> dict[str, dict[str, Any]]:
        found = {}
        for path, text in self.files.items():
            try:
                content = yaml.load(text, Loader=YAML_LOADER)
            except yaml.YAMLError as error:
                raise ContractsError(f"{path} cannot be read: {error}") from error
            if isinstance(content, dict) and path != _PROJECT:
                found[path] = content
        return found

    @cached_property
    def _project(self) -> dict[str, Any]:
        project: dict[str, Any] = yaml.load(self.files[_PROJECT], Loader=YAML_LOADER)
        return project

    @property
    def _see_all(self) -> set[str]:
        return set((self._project.get("vars") or {}).get("reads_personal_columns") or ())

    def _readers(self, path: str) -> tuple[str, ...]:
        """The roles under the nearest `grants` of dbt_project.yml."""
        kind, *folders = Path(path).parts[:-1]
        place = ((self._project.get(kind) or {}).get(self._project["name"])) or {}
        readers: tuple[str, ...] = ()
        for folder in ("", *folders):
            place = place.get(folder, {}) if folder else place
            if not isinstance(place, dict):
                break
            readers = tuple((place.get("+grants") or {}).get("select") or readers)
        return readers

    def _metrics(self, table: str, column: str) -> set[str]:
        """The metrics that count a table, or read one of its columns."""
        models = [
            model
            for content in self._contents.values()
            for model in content.get("semantic_models") or ()
            if model["model"] == f"ref('{table}')"
        ]
        measures = {
            measure["name"]
            for model in models
            for measure in model.get("measures") or ()
            if not column or _mentions(measure, column) or _is_time(model, measure, column)
        }
        metrics = [
            metric for content in self._contents.values() for metric in content.get("metrics") or ()
        ]
        found: set[str] = set()
        names = measures
        while more := {
            metric["name"]
            for metric in metrics
            if metric["name"] not in found and names & set(_parts(metric["type_params"]))
        }:
            found |= more
            names = names | more
        return found


def differences(before: Declared, now: Declared) -> Iterator[Change]:
    """All changes, by subject."""
    for subject in sorted(before.contracts.keys() | now.contracts.keys()):
        old, new = before.contracts.get(subject), now.contracts.get(subject)
        if new is None:
            yield Change(subject, "", "is gone", is_breaking=True)
        elif old is None:
            yield Change(subject, "", "is new", is_breaking=False)
        else:
            yield from _changed(subject, old, new)


def unannounced(changes: Collection[Change], changelog: str) -> list[Change]:
    """The breaking changes that the changelog does not announce: a line under Unreleased that begins with **Breaking** and names the feed or table."""
    unreleased = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", changelog, re.M | re.S)
    entries = re.split(r"^- ", unreleased[1] if unreleased else "", flags=re.M)
    announced = " ".join(entry for entry in entries if entry.startswith("**Breaking**"))
    return [
        change
        for change in changes
        if change.is_breaking
        and not re.search(
            rf"(?<![\w.]){re.escape(change.subject.removeprefix('feed '))}(?!\w)", announced
        )
    ]


def _changed(subject: str, old: Contract, new: Contract) -> Iterator[Change]:
    is_feed = subject.startswith("feed ")
    if old.layout != new.layout:
        keys = [
            key
            for key in {**old.layout, **new.layout}
            if old.layout.get(key) != new.layout.get(key)
        ]
        yield Change(
            subject, "", f"its files are read differently ({', '.join(keys)})", is_breaking=True
        )
    for role in (role for role in old.readers if role not in new.readers):
        yield Change(subject, "", f"{role} may no longer read it", is_breaking=True)
    for role in (role for role in new.readers if role not in old.readers):
        yield Change(subject, "", f"{role} may read it", is_breaking=False)
    for name in {**old.columns, **new.columns}:
        if name not in new.columns:
            yield Change(subject, name, "is gone", is_breaking=True)
        elif name not in old.columns:
            # A column more changes the lines of a file.
            yield Change(subject, name, "is new", is_breaking=is_feed)
        else:
            for what, is_breaking in _of_column(old.columns[name], new.columns[name], is_feed):
                yield Change(subject, name, what, is_breaking)


def _of_column(
    old: ColumnContract, new: ColumnContract, is_feed: bool
) -> Iterator[tuple[str, bool]]:
    if old.data_type != new.data_type:
        yield f"was {old.data_type}, is {new.data_type}", True
    if old.is_required != new.is_required:
        # Who delivers must now give a value, or who reads must now expect none.
        yield ("is never NULL", is_feed) if new.is_required else ("may be NULL", not is_feed)
    if old.is_key != new.is_key:
        yield ("is part of the key" if new.is_key else "is no longer part of the key"), True
    if old.mask != new.mask:
        yield (f"is masked: {new.mask}", True) if new.mask else ("is no longer masked", False)


def _of_feed(table: dict[str, Any]) -> Contract:
    meta = (table.get("config") or {}).get("meta") or {}
    columns = {}
    for column in table.get("columns") or ():
        own = dict((column.get("config") or {}).get("meta") or {})
        is_required = bool(own.pop("required", False))
        place = f" {own}" if own else ""
        data_type = f"{column.get('data_type', '')}{place}"
        columns[column["name"]] = ColumnContract(data_type, is_required, False, "")
    return Contract(columns, layout=dict(meta.get("feed") or {}))


def _of_table(node: dict[str, Any], readers: Collection[str]) -> Contract:
    columns = {}
    for column in node.get("columns") or ():
        kinds = {constraint["type"] for constraint in column.get("constraints") or ()}
        meta = (column.get("config") or {}).get("meta") or {}
        mask = (meta.get("masked_as") or "NULL") if meta.get("personal") else ""
        columns[column["name"]] = ColumnContract(
            column.get("data_type", ""),
            bool(kinds & {"not_null", "primary_key"}),
            "primary_key" in kinds,
            mask,
        )
    return Contract(columns, tuple(readers))


def _layer(path: str) -> str:
    kind, *folders = Path(path).parts[:-1]
    return folders[0] if kind == "models" and folders else kind


def _mentions(measure: dict[str, Any], column: str) -> bool:
    return bool(re.search(rf"\b{re.escape(column)}\b", str(measure.get("expr", measure["name"]))))


def _is_time(model: dict[str, Any], measure: dict[str, Any], column: str) -> bool:
    default = (model.get("defaults") or {}).get("agg_time_dimension")
    return bool(measure.get("agg_time_dimension", default) == column)


def _parts(value: Any) -> Iterator[str]:
    """The names of all measures and metrics that the parameters of a metric mention."""
    if isinstance(value, str):
        yield value
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _parts(part)
