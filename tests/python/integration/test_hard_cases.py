"""The queries of `docs/hard_cases.md`, run on a generated dataset that was loaded and built.

Run it with `pytest tests/python/integration/test_hard_cases.py`.
"""

import re

import pytest

from scripts.warehouse.workspace import ROOT, Workspace

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
    built: Workspace, heading: str, query: str
) -> None:
    found = query.strip().removesuffix(";")
    rows = built.warehouse.query(f"select rule_holds, found from ({found}) as found")
    assert rows, f"the dataset has no example of: {heading}"
    assert all(rule_holds is True for rule_holds, _ in rows), rows
