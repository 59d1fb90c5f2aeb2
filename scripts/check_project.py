"""Check the rules of the project that dbt-bouncer cannot check, on the manifest of dbt and on the files.

Usage:
    dbt parse && python -m scripts.check_project

Each violation is one line on stderr. A known violation may be listed in scripts/check_project_baseline.txt; that list only
shrinks: an entry that is no longer a violation must be removed.

Exit codes: 0 no new violation, 1 a new violation or an outdated entry of the baseline, 2 no manifest.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from scripts.serve.api.resources import name_of, problems_of
from scripts.serve.declarations import Declarations
from scripts.share.policies import PolicyError, read_share, share_files
from scripts.share.rules import FILE as SHARE_RULES
from scripts.share.rules import OF_ALL, read_rules, violations

ROOT = Path(__file__).parents[1]
MANIFEST = ROOT / "target" / "manifest.json"
BASELINE = ROOT / "scripts" / "check_project_baseline.txt"

# Postgres allows no longer name for a relation, and a unit test creates a relation with its own name.
MAXIMUM_NAME_LENGTH = 63

# Folders whose SQL files explain themselves in a comment at their beginning.
COMMENTED_FOLDERS = ("macros", "tests/generic", "tests/singular", "analyses")

# Names of columns that may hold personal data, and the kinds of personal data.
PERSONAL_NAME = re.compile(
    r"(.*_)?(first|last|middle|full|birth|customer|broker|manager|owner|prospect|employee)_(name|initial)s?"
    r"|.*(tax_id|ssn|dob|birth|address|postal_code|zip|phone|e?mail|employer|income|net_worth|credit_rating).*"
    r"|city|ceo|executed_by|account_desc|message_data|reason|raw_text"
)
PERSONAL_KINDS = (
    "name",
    "tax number",
    "birth date",
    "address",
    "contact",
    "employment",
    "finances",
    "free text",
)

# Over what values of a metric may be added up.
ADDITIVE_OVER = ("everything", "everything but time", "nothing")

Manifest = dict[str, Any]
Rule = Callable[[Manifest], Iterator[str]]


def main() -> int:
    """Run every rule; returns the exit code."""
    if not MANIFEST.exists():
        print(f"check_project: {MANIFEST} does not exist; run `dbt parse` first", file=sys.stderr)
        return 2
    violations = set(find_violations(json.loads(MANIFEST.read_text(encoding="utf-8"))))
    known = set(BASELINE.read_text(encoding="utf-8").splitlines())
    for violation in sorted(violations - known):
        print(f"check_project: {violation}", file=sys.stderr)
    for violation in sorted(known - violations):
        print(f"check_project: fixed; remove it from {BASELINE.name}: {violation}", file=sys.stderr)
    print(f"{len(RULES)} rules, {len(violations)} violations, {len(known)} of them in the baseline")
    return int(violations != known)


def find_violations(manifest: Manifest) -> Iterator[str]:
    """All violations of all rules, one sentence each."""
    for rule in RULES:
        yield from rule(manifest)


def each_model_has_its_own_yaml_file(manifest: Manifest) -> Iterator[str]:
    """The properties of a model are in the same folder, in a file of the same name; small steps share `_<folder>.yml`."""
    for model in _nodes(manifest, "model"):
        path = Path(model["original_file_path"])
        expected = path.with_suffix(".yml"), path.parent / f"_{path.parent.name}.yml"
        actual = (model.get("patch_path") or "").split("://")[-1]
        if Path(actual) not in expected:
            yield f"{model['name']}: its properties are in {actual or 'no file'}; move them to {expected[0]}"


def test_names_are_claims(manifest: Manifest) -> Iterator[str]:
    """A generic test is named `<model>__<claim>`, a singular one `assert_<claim>`; the default names of dbt are not claims."""
    for test in _nodes(manifest, "test"):
        if "test_metadata" not in test:
            if not test["name"].startswith("assert_"):
                yield f"{test['original_file_path']}: the name does not start with assert_"
            continue
        owner = _node(manifest, test.get("attached_node") or test["depends_on"]["nodes"][-1])
        name = (
            f"{owner['source_name']}_{owner['name']}" if "source_name" in owner else owner["name"]
        )
        if not test["name"].startswith(f"{name}__"):
            yield f"{test['original_file_path']}: test {test['name']} is not named {name}__<claim>"
    for test in manifest["unit_tests"].values():
        if not test["name"].startswith(f"{test['model']}__"):
            yield f"{test['original_file_path']}: {test['name']} is not named {test['model']}__<claim>"
        if not test["description"]:
            yield f"{test['original_file_path']}: unit test {test['name']} has no description"
        if len(test["name"]) > MAXIMUM_NAME_LENGTH:
            yield f"{test['original_file_path']}: {test['name']} has more than {MAXIMUM_NAME_LENGTH} characters"


def sql_files_open_with_a_comment(_: Manifest) -> Iterator[str]:
    """A macro says what it is for, a test what it claims and what a returned row means, an analysis what it answers."""
    for folder in COMMENTED_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.sql")):
            if not path.read_text(encoding="utf-8").startswith(("--", "{#")):
                yield f"{path.relative_to(ROOT)}: does not open with a comment"


def source_columns_are_typed_and_described(manifest: Manifest) -> Iterator[str]:
    """The contract of a feed is complete: dbt-bouncer checks the columns of models only."""
    for source in manifest["sources"].values():
        for column in source["columns"].values():
            for key in ("description", "data_type"):
                if not column.get(key):
                    yield f"{source['source_name']}.{source['name']}.{column['name']}: no {key}"


def everything_a_reader_sees_is_described(manifest: Manifest) -> Iterator[str]:
    """Seeds and snapshots with their columns, and analyses: dbt-bouncer checks models, sources and exposures."""
    for kind in ("seed", "snapshot"):
        for node in _nodes(manifest, kind):
            if not node["description"].lstrip().startswith("One row per"):
                yield f"{node['original_file_path']}: the description does not begin with `One row per`"
            for column in node["columns"].values():
                if not column["description"]:
                    yield f"{node['name']}.{column['name']}: no description"
    for seed in _nodes(manifest, "seed"):
        with open(ROOT / seed["original_file_path"], encoding="utf-8", newline="") as file:
            for name in next(csv.reader(file)):
                if name not in seed["columns"]:
                    yield f"{seed['name']}.{name}: not declared in {seed['patch_path']}"
    for node in _nodes(manifest, "analysis"):
        if not node["description"]:
            yield f"{node['original_file_path']}: {node['name']} has no description"


def links_of_the_documentation_lead_to_a_node(manifest: Manifest) -> Iterator[str]:
    """A link in the dbt docs, to a page or to the graph of a node, refers to a node that exists."""
    known = {*manifest["nodes"], *manifest["sources"], *manifest["exposures"]}
    names = {identifier.split(".")[2] for identifier in known}
    for block in manifest["docs"].values():
        text = block["block_contents"]
        for page in re.findall(r"\(#!/\w+/([\w.]+)", text):
            if page not in known:
                yield f"{block['original_file_path']}: {page}, the target of a link, does not exist"
        for selected in re.findall(r"[?&]g_i=(?:%2B)?(\w+)", text):
            if selected not in names:
                yield f"{block['original_file_path']}: {selected}, the node of a graph, does not exist"


def personal_columns_are_declared(manifest: Manifest) -> Iterator[str]:
    """Where not all readers may see personal data, a column whose name suggests it declares its kind, or `false` (docs/permissions.md)."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    see_all = set(project["vars"]["reads_personal_columns"])
    for model in _nodes(manifest, "model", "snapshot", "seed"):
        if not set(model["config"]["grants"].get("select", ())) - see_all:
            continue
        for name, column in model["columns"].items():
            personal = column["meta"].get("personal")
            if personal is None and PERSONAL_NAME.fullmatch(name):
                yield f"{model['name']}.{name}: no `meta: {{personal: <kind>}}`, or `false` if it is not personal"
            if personal and personal not in PERSONAL_KINDS:
                yield f"{model['name']}.{name}: {personal} is not a kind of personal data; use one of {', '.join(PERSONAL_KINDS)}"


def engines_differ_only_in_cross_db(_: Manifest) -> Iterator[str]:
    """Only macros/cross_db depends on the engine; everything else calls its macros."""
    asks = re.compile(r"target\.type|adapter\.dispatch|\b(duckdb|postgres|spark)__\w+")
    for folder in ("models", "macros", "tests", "analyses", "snapshots"):
        for path in sorted((ROOT / folder).rglob("*.sql")):
            if "cross_db" not in path.parts and asks.search(path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(ROOT)}: depends on the engine; move the difference to macros/cross_db"


def metrics_say_what_may_be_added_up(manifest: Manifest) -> Iterator[str]:
    """Each metric has an owner, a unit, a description, and says over what its values may be added up, as its measure allows (docs/metrics.md)."""
    measures = {
        measure["name"]: measure
        for model in manifest["semantic_models"].values()
        for measure in model["measures"]
    }
    for metric in manifest["metrics"].values():
        where = f"{metric['original_file_path']}: metric {metric['name']}"
        meta = metric["config"].get("meta") or {}
        for key in ("owner", "unit"):
            if not meta.get(key):
                yield f"{where} has no `meta: {{{key}: ...}}`"
        if not metric["description"]:
            yield f"{where} has no description"
        stated, allowed = meta.get("additive_over"), _additive_over(metric, measures)
        if stated not in ADDITIVE_OVER:
            yield f"{where} has no `meta: {{additive_over: ...}}`; use one of {', '.join(ADDITIVE_OVER)}"
        elif allowed and stated != allowed:
            yield f"{where} is additive over {allowed}, not over {stated}"


def _additive_over(metric: dict[str, Any], measures: dict[str, Any]) -> str | None:
    """Over what values of a metric may be added up; None where that depends on an expression."""
    if metric["type"] == "ratio":
        return "nothing"
    if metric["type"] == "derived":
        return None
    measure = measures[metric["type_params"]["measure"]["name"]]
    if measure["agg"] not in ("sum", "count", "sum_boolean"):
        return "nothing"
    if measure.get("non_additive_dimension") or metric["type"] == "cumulative":
        return "everything but time"
    return "everything"


def what_the_api_serves_is_declared_rightly(manifest: Manifest) -> Iterator[str]:
    """`meta.api` of a model names columns that exist, and its primary key (docs/serving.md)."""
    names: dict[str, str] = {}
    for model in _nodes(manifest, "model", "seed", "snapshot"):
        for problem in problems_of(model, names):
            yield f"{model['original_file_path']}: {problem}"
        if name := name_of(model):
            names[name] = model["name"]


def shares_keep_their_rules(manifest: Manifest) -> Iterator[str]:
    """Each share names what the models declare, and violates no rule (docs/sharing.md). Whether it is approved today is asked when it is built."""
    try:
        rules = read_rules(ROOT / SHARE_RULES)
        shares = [read_share(file) for file in share_files(ROOT / SHARE_RULES.parent)]
    except PolicyError as error:
        yield str(error)
        return
    if set(rules.transformations) != set(PERSONAL_KINDS):
        yield f"{SHARE_RULES}: transformations: name each kind of personal data: {', '.join(PERSONAL_KINDS)}"
    declarations = Declarations.of_manifest(manifest, digest="")
    for violation in (each for rule in OF_ALL for each in rule(shares)):
        yield violation.text
    for share in shares:
        for violation in violations(share, rules, declarations):
            yield violation.text


RULES: tuple[Rule, ...] = (
    each_model_has_its_own_yaml_file,
    test_names_are_claims,
    sql_files_open_with_a_comment,
    source_columns_are_typed_and_described,
    everything_a_reader_sees_is_described,
    links_of_the_documentation_lead_to_a_node,
    personal_columns_are_declared,
    engines_differ_only_in_cross_db,
    metrics_say_what_may_be_added_up,
    what_the_api_serves_is_declared_rightly,
    shares_keep_their_rules,
)


def _nodes(manifest: Manifest, *resource_types: str) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] in resource_types)


def _node(manifest: Manifest, unique_id: str) -> dict[str, Any]:
    nodes: dict[str, dict[str, Any]] = manifest["nodes"] | manifest["sources"]
    return nodes[unique_id]


if __name__ == "__main__":
    sys.exit(main())
