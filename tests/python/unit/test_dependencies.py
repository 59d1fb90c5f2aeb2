"""Every package that Python code imports is declared by the project that imports it."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "packages" / "brokerage_sources"

# Distributions that share the namespace package `dbt`.
DBT = {"dbt.adapters": "dbt-adapters", "dbt": "dbt-core"}
INSTALLED = packages_distributions()


def _imported(folders: list[Path]) -> set[str]:
    """Modules that the files below these folders import, by full name, without the standard library."""
    names: set[str] = set()
    own: set[str] = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        if not (path.parent / "__init__.py").exists():  # imported by its bare name
            own.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    ours = {folder.name for folder in folders} | own
    return {name for name in names if name.split(".")[0] not in sys.stdlib_module_names | ours}


def _distributions(module: str) -> set[str]:
    """The distributions that can be meant by an import."""
    for prefix, distribution in DBT.items():
        if f"{module}.".startswith(f"{prefix}."):
            return {distribution}
    package = module.split(".")[0]
    # A package that is installed as editable is not listed.
    found = INSTALLED.get(package, [package.replace("_", "-")])
    return {name.lower().replace("_", "-") for name in found}


def _declared(project: Path, *, with_extras: bool) -> set[str]:
    table = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    extras = table.get("optional-dependencies", {}).values() if with_extras else ()
    requirements = [*table["dependencies"], *(item for extra in extras for item in extra)]
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize(
    ("project", "folders"),
    [
        (ROOT, [ROOT / "scripts", ROOT / "bench", ROOT / "tests"]),
        (SOURCES, [SOURCES / "src" / "brokerage_sources"]),
    ],
    ids=["the warehouse and its tests", "brokerage_sources"],
)
def test_every_import_is_declared(project: Path, folders: list[Path]) -> None:
    declared = _declared(project, with_extras=True)
    modules = _imported(folders)
    assert modules
    assert [module for module in sorted(modules) if not _distributions(module) & declared] == []


def test_brokerage_sources_imports_nothing_of_the_warehouse() -> None:
    modules = _imported([SOURCES / "src" / "brokerage_sources"])
    assert {module.split(".")[0] for module in modules} & {"scripts", "dbt"} == set()
