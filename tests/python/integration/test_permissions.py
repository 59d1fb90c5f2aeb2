"""Each role can do on Postgres what docs/permissions.md says, and nothing else; personal columns come out masked."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from scripts.postgres_server import PostgresServer
from scripts.publish.manifest import Manifest
from scripts.publish.postgres_schemas import in_transaction, record, write_schemas
from scripts.publish.tables import published_tables
from scripts.warehouse.base import Query
from scripts.warehouse.dbt import WITHOUT_TESTS, Project
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = pytest.mark.integration

# Built by dbt in addition to all that analysts read: one model of each lower layer. Every other model is a placeholder without rows.
LOWER_LAYERS = ("sp_ratings", "stg_reference__dates", "ref_date", "bv_trade__life_cycle")
PLACEHOLDER = "placeholder"
CATALOG = {"pg_catalog", "information_schema"}

# A value of each type; 1 for numbers.
VALUES = {
    "uuid": "gen_random_uuid()",
    "character varying": "'x'",
    "boolean": "true",
    "date": "date '1970-07-08'",
    "timestamp without time zone": "timestamp '1970-07-08 12:00'",
}

Rows = list[tuple[Any, ...]]


class Session:
    """One login at work."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, statement: str) -> Rows:
        cursor = self._connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def may(self, statement: str) -> bool:
        """Whether the server lets the login do it; it is undone. Errors of other kinds are errors."""
        try:
            self.run(f"begin; {statement}")
        except psycopg2.errors.InsufficientPrivilege:
            return False
        finally:
            self.run("rollback")
        return True


@dataclass(frozen=True)
class Warehouse:
    """A database with a login for each role, and dbt's manifest."""

    logins: dict[str, PostgresServer]
    folder: Path

    @contextmanager
    def as_role(self, login: str) -> Iterator[Session]:
        connection = self.logins[login].connect()
        try:
            yield Session(connection)
        finally:
            connection.close()

    def dbt(self, login: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        workspace = Workspace(self.folder, PostgresWarehouse(self.logins[login]))
        return workspace.dbt("--quiet", *arguments)

    def build(self, *arguments: str) -> None:
        _succeeds(self.dbt("brokerage_transformer", "build", *WITHOUT_TESTS, *arguments))

    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "target" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def warehouse(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    with _administrator(postgres) as administrator, postgres.new_database() as database:
        warehouse = Warehouse(
            _logins(database, administrator), tmp_path_factory.mktemp("permissions")
        )
        _succeeds(warehouse.dbt("administrator", "run-operation", "create_roles"))
        _create_logins(warehouse)
        _load(warehouse)
        built = _built_by_dbt(warehouse)
        _create_stand_ins(warehouse, built)
        warehouse.build("--select", *built)
        _publish(warehouse, built)
        yield warehouse


def _publish(warehouse: Warehouse, built: list[str]) -> None:
    """As the last step of a build does; the placeholders stay where they are."""
    database = PostgresWarehouse(warehouse.logins["brokerage_transformer"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in Workspace(warehouse.folder, database).environment.items():
            patch.setenv(name, value)
        tables = [table for table in published_tables(Project().manifest) if table.alias in built]

    def write(query: Query) -> None:
        contents = write_schemas(database, query, tables, previous=None)
        manifest = Manifest(
            version="batch-0001",
            previous=None,
            batch_id=1,
            published_at=datetime(2026, 11, 30),
            build="",
            accepted=[],
            commit=None,
            warehouse="",
            target="postgres",
            engine="",
            project_digest="",
            feeds={},
            tables=contents,
            readers={},
        )
        record(query, manifest, tables)

    in_transaction(database, tables, write)


@contextmanager
def _administrator(server: PostgresServer) -> Iterator[PostgresServer]:
    """May create roles, but is no superuser. At the end all logins go; the roles stay, they may serve other databases."""
    mark = secrets.token_hex(4)
    administrator = replace(server, user=f"administrator_{mark}", password=mark)
    connection = server.connect()
    session = Session(connection)
    session.run(f"create role {administrator.user} login createrole password '{mark}'")
    for (role,) in session.run("select rolname from pg_roles"):
        if role in _declared_roles():
            session.run(f"grant {role} to {administrator.user} with admin option")
    try:
        yield administrator
    finally:
        logins = session.run(f"select rolname from pg_roles where rolname like '%{mark}'")
        # Who was created last goes first: the administrator has granted the roles of the others.
        for (login,) in sorted(logins, reverse=True):
            session.run(f"drop role {login}")
        connection.close()


def _logins(database: PostgresServer, administrator: PostgresServer) -> dict[str, PostgresServer]:
    """Who may enter the database, by role; the administrator owns it."""
    connection = database.connect()
    Session(connection).run(f"alter database {database.database} owner to {administrator.user}")
    connection.close()
    administrator = replace(administrator, database=database.database)
    mark = administrator.password
    return {"superuser": database, "administrator": administrator} | {
        name: replace(administrator, user=f"{name}_{mark}") for name in _declared_roles()
    }


def _create_logins(warehouse: Warehouse) -> None:
    """As described for the administrator in docs/permissions.md."""
    with warehouse.as_role("administrator") as administrator:
        for role in _declared_roles():
            login = warehouse.logins[role]
            administrator.run(
                f"create role {login.user} login password '{login.password}' in role {role}"
            )
            administrator.run(f"alter role {login.user} set role = '{role}'")


def _load(warehouse: Warehouse) -> None:
    """One row of one feed; the loader makes the tables of the others too."""
    sources = warehouse.folder / "sources" / "Batch1"
    sources.mkdir(parents=True)
    (sources / "StatusType.txt").write_text("ACTV|Active\n")
    environment = os.environ | warehouse.logins["brokerage_loader"].environment()
    command = [sys.executable, "-m", "scripts.load", "--feed", "reference.status_type"]
    folders = ["--sources", str(sources.parent), "--lake", str(warehouse.folder / "lake")]
    _succeeds(
        subprocess.run(
            [*command, *folders], cwd=ROOT, env=environment, capture_output=True, text=True
        )
    )


def _built_by_dbt(warehouse: Warehouse) -> list[str]:
    nodes = warehouse.manifest()["nodes"].values()
    read_by_analysts = [
        node["name"]
        for node in nodes
        if "brokerage_analyst" in node["config"].get("grants", {}).get("select", ())
    ]
    return [*LOWER_LAYERS, *read_by_analysts]


def _create_stand_ins(warehouse: Warehouse, built: list[str]) -> None:
    with warehouse.as_role("brokerage_transformer") as transformer:
        for node in warehouse.manifest()["nodes"].values():
            if node["resource_type"] == "model" and node["name"] not in built:
                relation = f"{node['schema']}.{node['name']}"
                columns = ", ".join(
                    f"{name} {column['data_type']}" for name, column in node["columns"].items()
                )
                transformer.run(f"create table {relation} ({columns})")
                transformer.run(f"comment on table {relation} is '{PLACEHOLDER}'")


def _succeeds(process: subprocess.CompletedProcess[str]) -> None:
    assert process.returncode == 0, process.stdout + process.stderr


def _declared_rights() -> dict[tuple[str, str], str]:
    """By schema and role, from the table in docs/permissions.md."""
    page = (ROOT / "docs" / "permissions.md").read_text()
    table = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    (_, *roles), *rows = [[cell.strip(" `") for cell in row] for row in table]
    return {
        (schema, role): may
        for schema, *cells in rows
        for role, may in zip(roles, cells, strict=True)
    }


def _declared_roles() -> list[str]:
    return list(dict.fromkeys(role for _, role in _declared_rights()))


def _personal_columns(warehouse: Warehouse) -> dict[str, list[str]]:
    """By table, those that not all of its readers may see, from the YAML of the models."""
    declared = {
        f"{node['schema']}.{node['name']}": [
            name for name, column in node["columns"].items() if column["meta"].get("personal")
        ]
        for node in warehouse.manifest()["nodes"].values()
    }
    return {table: columns for table, columns in declared.items() if columns}


def _relations(session: Session) -> list[tuple[str, str, bool, list[str]]]:
    """Schema, name, whether it is a table, and columns of all relations but the placeholders. What builds record is as if in a schema of its own."""
    found = session.run(
        "select nspname, nspname || '.' || relname, relkind = 'r', array_agg(attname::text order by attnum)"
        " from pg_class"
        " inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid"
        " inner join pg_attribute on pg_class.oid = attrelid"
        " where relkind in ('r', 'v') and attnum > 0 and not attisdropped"
        f" and obj_description(pg_class.oid, 'pg_class') is distinct from '{PLACEHOLDER}'"
        " group by nspname, relname, relkind"
    )
    models = {f"operations.{path.stem}" for path in (ROOT / "models/operations").glob("*.sql")}
    return [
        (
            "operations: builds" if schema == "operations" and name not in models else schema,
            name,
            *rest,
        )
        for schema, name, *rest in found
    ]


def _observed_rights(warehouse: Warehouse, role: str) -> dict[tuple[str, str], str]:
    """What the role turns out to be allowed in each schema, in the words of docs/permissions.md."""
    personal = _personal_columns(warehouse)
    personal |= {f"published_{table}": columns for table, columns in personal.items()}
    schemas = {schema for schema, _ in _declared_rights()}
    rights = {}
    with warehouse.as_role(role) as session:
        relations = _relations(session)
        for schema in schemas:
            changes = {session.may(f"create table {schema.partition(':')[0]}.attempt ()")}
            reads, refused = set(), set()
            for _, name, is_table, columns in (row for row in relations if row[0] == schema):
                if is_table or schema.endswith("_masked"):
                    changes |= _changes(session, name, columns[0], is_table)
                for column in columns:
                    readable = session.may(f"select {column} from {name}")
                    (reads if readable else refused).add((name, column))
            assert reads or refused, f"{schema} is empty: nothing is tried"
            declared = {
                (name, column) for name, columns in personal.items() for column in columns
            } & (reads | refused)
            rights[schema, role] = _in_words(changes, reads, refused, declared)
    return rights


def _changes(session: Session, relation: str, column: str, is_table: bool) -> set[bool]:
    """Whether the session may change the rows of a relation, in each of the ways there are."""
    statements = [
        f"explain insert into {relation} default values",
        f"explain delete from {relation}",
    ]
    if is_table:
        statements += [
            f"explain update {relation} set {column} = null",
            f"truncate {relation} cascade",
            f"drop table {relation} cascade",
        ]
    return {session.may(statement) for statement in statements}


def _in_words(
    changes: set[bool],
    reads: set[tuple[str, str]],
    refused: set[tuple[str, str]],
    personal: set[tuple[str, str]],
) -> str:
    if changes == {True} and not refused:
        return "writes"
    if changes == {False}:
        if not refused:
            return "reads"
        if not reads:
            return "nothing"
        if refused == personal:
            return "not personal"
    return f"changes: {changes}, reads: {sorted(reads)}, does not read: {sorted(refused)}"


def _assert_rights_are_as_declared(warehouse: Warehouse) -> None:
    observed: dict[tuple[str, str], str] = {}
    for role in _declared_roles():
        observed |= _observed_rights(warehouse, role)
    assert observed == _declared_rights()


def test_each_role_may_do_what_the_documentation_says(warehouse: Warehouse) -> None:
    with warehouse.as_role("administrator") as session:
        schemas = {schema for schema, *_ in _relations(session)} - CATALOG
    assert schemas == {schema for schema, _ in _declared_rights()}
    assert len(_personal_columns(warehouse)) >= 7
    _assert_rights_are_as_declared(warehouse)


def test_personal_columns_come_out_masked(warehouse: Warehouse) -> None:
    shown = {}
    with warehouse.as_role("superuser") as session:
        # No foreign keys: the rows name others that are not there. Nothing of it stays.
        session.run("begin; set local session_replication_role = replica")
        for table, columns in _personal_columns(warehouse).items():
            _insert_row(session, table)
            session.run("savepoint inserted; set local role brokerage_analyst")
            view = table.replace(".", "_masked.")
            (row,) = session.run(f"select {', '.join(columns)} from {view}")
            session.run("rollback to inserted")
            shown |= {
                f"{table}.{column}": value
                for column, value in zip(columns, row, strict=True)
                if value is not None
            }
        session.run("update quality.di_messages set message_type = 'Alert'")
        about_one_record = session.run("select message_data from quality_masked.di_messages")
        session.run("rollback")
    # The year of birth; the data of a message that is not about a single record.
    assert shown == {
        "marts.dim_customer.dob": date(1970, 1, 1),
        "quality.di_messages.message_data": "x",
    }
    assert about_one_record == [(None,)]


def _insert_row(session: Session, table: str) -> None:
    columns = session.run(
        "select data_type from information_schema.columns"
        f" where table_schema || '.' || table_name = '{table}' order by ordinal_position"
    )
    values = ", ".join(VALUES.get(data_type, "1") for (data_type,) in columns)
    session.run(f"insert into {table} values ({values})")


def test_a_masked_view_has_the_columns_and_types_of_its_table(warehouse: Warehouse) -> None:
    with warehouse.as_role("brokerage_auditor") as auditor:
        for table in _personal_columns(warehouse):
            original, masked = (
                auditor.run(
                    "select attname, format_type(atttypid, atttypmod) from pg_attribute"
                    f" where attrelid = '{name}'::regclass and attnum > 0 order by attnum"
                )
                for name in (table, table.replace(".", "_masked."))
            )
            assert original == masked


@pytest.mark.parametrize("refresh", [(), ("--full-refresh",)], ids=["again", "full_refresh"])
def test_rights_survive_another_build(warehouse: Warehouse, refresh: tuple[str, ...]) -> None:
    with warehouse.as_role("brokerage_transformer") as transformer:
        # From the time before a column of this incremental table was declared personal.
        transformer.run("grant select on marts.dim_trade to brokerage_analyst")
    warehouse.build("--select", "dim_trade", "dim_customer", "di_messages", "ref_date", *refresh)
    _assert_rights_are_as_declared(warehouse)


def test_who_may_not_give_a_right_that_is_missing_is_told_who_may(warehouse: Warehouse) -> None:
    with warehouse.as_role("administrator") as administrator:
        administrator.run("revoke usage on schema marts from brokerage_analyst")
        refused = warehouse.dbt("brokerage_transformer", "run", "--select", "ref_date")
        administrator.run("grant usage on schema marts to brokerage_analyst")
    assert refused.returncode != 0
    assert 'may not "grant usage on schema marts to brokerage_analyst"' in refused.stdout
    assert 'let an administrator run "dbt run-operation create_roles"' in refused.stdout
