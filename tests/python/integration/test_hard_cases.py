"""The queries of `docs/hard_cases.md`, run on a generated world that was loaded and built.

Run it with `pytest tests/python/integration/test_hard_cases.py`.
"""

import re

import duckdb
import pytest
from project import ROOT, Project

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

PAGE = ROOT / "docs" / "hard_cases.md"
# Heading, text, query: a case may have several queries.
CASES = [
    (heading, query)
    for heading, body in re.findall(
        r"^### (.+?)$(.*?)(?=^##|\Z)", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL
    )
    for query in re.findall(r"```sql\n(.*?)```", body, flags=re.DOTALL)
]


def test_every_case_of_the_page_has_a_query() -> None:
    headings = re.findall(r"^### (.+?)$", PAGE.read_text(), flags=re.MULTILINE)
    assert headings
    assert {heading for heading, _ in CASES} == set(headings)


@pytest.mark.parametrize(("heading", "query"), CASES, ids=[heading for heading, _ in CASES])
def test_a_query_finds_its_case_and_the_rule_holds(
    built: Project, heading: str, query: str
) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        result = connection.execute(query)
        column = [name for name, *_ in result.description].index("rule_holds")
        rows = result.fetchall()
    assert rows, f"the world has no example of: {heading}"
    assert all(row[column] is True for row in rows), rows
