"""The `.sql` files of the verifier are read as they are written."""

from importlib.resources import files
from pathlib import Path

import pytest

from brokerage_sources.verify import sql_file

PACKAGE = Path(str(files("brokerage_sources.verify")))
SQL_FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.sql"))


@pytest.mark.parametrize("file", SQL_FILES)
def test_every_named_statement_is_read_and_holds_one_statement(file: str) -> None:
    lines = (PACKAGE / file).read_text().splitlines()
    named = [line.split()[2] for line in lines if line.startswith(("-- check: ", "-- table: "))]
    statements = sql_file.read_statements(file)
    assert named
    assert [statement.name for statement in statements] == named
    assert [statement.name for statement in statements if ";" in statement.sql] == []


def test_comment_lines_after_the_name_are_the_claim() -> None:
    (statement,) = [
        statement
        for statement in sql_file.read_statements("properties/watches.sql")
        if statement.name == "watches.actions"
    ]
    assert statement.comment == "An action is ACTV or CNCL"
    assert statement.sql.startswith("select")


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("select 1;\n", "select 1;"),
        ("-- check: a.b\nselect 1;\n", "-- check: a.b"),
        ("-- check: a.b\n-- A claim\nselect 1\n", "-- check: a.b"),
        ("-- check: a.b\n-- A claim\nselect 1;\n\nselect 2;\n", "select 2;"),
    ],
    ids=["no name", "no comment", "no semicolon", "a second statement without a name"],
)
def test_a_statement_without_name_comment_or_end_is_refused(
    text: str, quoted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checks.sql").write_text(text)
    monkeypatch.setattr(sql_file, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match=r"checks\.sql: expected") as refused:
        sql_file.read_statements("checks.sql")
    assert repr(quoted) in str(refused.value)
