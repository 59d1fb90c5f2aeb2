"""The queries of `docs/hard_cases.md`, run on a generated world that was loaded and built.

Run it with `pytest tests/python/integration/test_hard_cases.py`.
"""

import re
from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from scripts.generate import Parameters, generate
from scripts.load.run import LoadOptions, load

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "hard_cases.md"
# Heading, text, query: a case may have several queries.
CASES = [
    (heading, query)
    for heading, body in re.findall(
        r"^### (.+?)$(.*?)(?=^##|\Z)", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL
    )
    for query in re.findall(r"```sql\n(.*?)```", body, flags=re.DOTALL)
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with both vaults, built from all batches of a generated world."""
    folder = tmp_path_factory.mktemp("hard_cases")
    generate(Parameters(scale_factor=0.02), folder / "sources", workers=1)
    assert load(LoadOptions(str(folder / "sources"), str(folder / "lake"))).failures == []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("LAKE", str(folder / "lake"))
        patch.setenv("WAREHOUSE", str(folder / "warehouse.duckdb"))
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patch.setenv("DBT_LOG_PATH", str(folder / "logs"))
        patch.setenv("DO_NOT_TRACK", "1")
        built = dbtRunner().invoke(
            [
                *("--quiet", "build", "--resource-type", "model", "--resource-type", "seed"),
                *("--select", "+path:models/business_vault"),
            ]
        )
    assert built.success, built.exception
    return folder / "warehouse.duckdb"


def test_every_case_of_the_page_has_a_query() -> None:
    headings = re.findall(r"^### (.+?)$", PAGE.read_text(), flags=re.MULTILINE)
    assert headings
    assert {heading for heading, _ in CASES} == set(headings)


@pytest.mark.parametrize(("heading", "query"), CASES, ids=[heading for heading, _ in CASES])
def test_a_query_finds_its_case_and_the_rule_holds(
    warehouse: Path, heading: str, query: str
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        result = connection.execute(query)
        column = [name for name, *_ in result.description].index("rule_holds")
        rows = result.fetchall()
    assert rows, f"the world has no example of: {heading}"
    assert all(row[column] is True for row in rows), rows
