"""Check what is collected and why, and show it.

Usage:
    dbt compile -s resource_type:model resource_type:snapshot   once, after a change of the project; `make lint` does it
    python -m scripts.govern check                              each column has a class, terms and an owner, and personal values are masked
    python -m scripts.govern check --against main               also: what has changed in the contracts since, whom it affects, and whether it was announced
    python -m scripts.govern check --scan                       also: personal values in columns that are not declared as personal, in the warehouse
    python -m scripts.govern report                             each column that somebody reads: class, feeds, owner, how long, who may have it
    python -m scripts.govern report --table marts.dim_customer --lineage
    python -m scripts.govern report --csv > columns.csv
    python -m scripts.govern report --odcs contracts            the contracts of what is published, a file of the Open Data Contract Standard for each schema
    python -m scripts.govern erase --customer 17 --dry-run      what would be erased; --prospect KEY for a prospect, both as often as you like
    python -m scripts.govern erase --customer 17                erased everywhere, with a certificate; without names, an erasure that was interrupted goes on
    python -m scripts.govern erase --again                      all who were ever erased, after a restore from a backup
    python -m scripts.govern retain                             what was kept as long as the register allows
    python -m scripts.govern retain --do                        and is retired

What is declared is in governance/; docs/governance.md explains it.

Exit codes: 0; 1 a rule is violated, or an erasure has not ended; 2 the register or what dbt has compiled cannot be read, or nothing was erased: somebody cannot be, or the warehouse
cannot be used.
"""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from scripts.govern.contracts import ContractsError, Declared, differences, unannounced
from scripts.govern.erasure.persons import PersonError
from scripts.govern.erasure.run import ERRORS, Erasure, ErasureError, RefusedError, has_begun
from scripts.govern.inheritance import ReadColumn
from scripts.govern.lineage import Lineage, LineageError
from scripts.govern.odcs import contracts, write_contract
from scripts.govern.register import Register, RegisterError
from scripts.govern.retention import find_due, retire
from scripts.govern.rules import RULES, Facts, find_violations
from scripts.govern.scan import scan
from scripts.history.recording import RUN_ARGUMENTS, recorded_run
from scripts.monitor.thresholds import read_thresholds
from scripts.share.policies import PolicyError, read_shares
from scripts.warehouse.artifacts import artifact
from scripts.warehouse.clock import utc_now
from scripts.warehouse.duckdb_warehouse import with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.settings import ROOT, Target, environment_variable, setting, use_setting
from scripts.warehouse.terminal import print_rows

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)


@app.command()
def check(
    against: Annotated[
        str, typer.Option(help="Also compare the contracts with those of this commit or branch.")
    ] = "",
    is_scanned: Annotated[
        bool,
        typer.Option(
            "--scan", help="Also look for personal values in the warehouse (WAREHOUSE, DBT_TARGET)."
        ),
    ] = False,
) -> None:
    """Check the register against contracts, models and lineage."""
    facts = _facts()
    violations = sorted(set(find_violations(facts)))
    for violation in violations:
        typer.echo(f"govern: {violation}", err=True)
    typer.echo(
        f"{len(RULES)} rules, {len(facts.register.feeds)} feeds with {sum(map(len, facts.feeds.values()))} columns,"
        f" {len(facts.columns)} columns that are read, {len(violations)} violations"
    )
    is_announced = _compare(against) if against else True
    is_clean = _scan(facts) if is_scanned else True
    if violations or not is_announced or not is_clean:
        raise typer.Exit(1)


def _scan(facts: Facts) -> bool:
    """Show where personal values are that nobody has declared; returns whether there are none."""
    columns = [read.column for read in facts.columns if read.may_hide_persons]
    names = [read.column for read in facts.columns if read.personal == "name"]
    try:
        findings = list(scan(from_environment(Target(setting("DBT_TARGET"))), columns, names))
    except (FileNotFoundError, *UNUSABLE) as error:
        _refuse(with_advice(error))
    for finding in findings:
        typer.echo(
            f"govern: {finding}: declare `meta: {{personal: <kind>}}` in its model, or `personal: false`",
            err=True,
        )
    typer.echo(f"{len(columns)} columns of text scanned, {len(findings)} with personal values")
    return not findings


def _compare(revision: str) -> bool:
    """Show what has changed in the contracts; returns whether all that breaks something was announced."""
    try:
        before, now = Declared.at(revision), Declared.here()
        changes = list(differences(before, now))
        for change in changes:
            typer.echo(f"{'breaking' if change.is_breaking else 'other   '}  {change}")
            if change.is_breaking:
                typer.echo(f"          affects {', '.join(before.affected(change)) or 'nobody'}")
    except ContractsError as error:
        _refuse(str(error))
    silent = unannounced(changes, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    for change in silent:
        subject = change.subject.removeprefix("feed ")
        typer.echo(
            f"govern: {change}: announce it in CHANGELOG.md, under Unreleased: `- **Breaking** {subject}: what to do`",
            err=True,
        )
    typer.echo(
        f"{len(changes)} changes since {revision}, {sum(change.is_breaking for change in changes)} breaking,"
        f" {len(silent)} not announced"
    )
    return not silent


@app.command()
def report(
    table: Annotated[str, typer.Option(help="Only this table, as `schema.table`.")] = "",
    shows_lineage: Annotated[
        bool, typer.Option("--lineage", help="Show the columns of feeds that each column is from.")
    ] = False,
    is_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, with everything that is known.")
    ] = False,
    odcs: Annotated[
        Path | None,
        typer.Option(help="Write the contracts of what is published into this folder, as ODCS."),
    ] = None,
) -> None:
    """Show the class and the terms of each column that somebody reads."""
    facts = _facts()
    if odcs is not None:
        _write_contracts(facts, odcs)
        return
    columns = [read for read in facts.columns if not table or read.column.relation == table]
    if not columns:
        _refuse(f"nobody reads a table {table}; without --table, all are shown")
    rows = [_row(read, facts.register) for read in columns]
    names = [
        name for name in rows[0] if is_csv or name not in ("purpose", "legal_basis", "made_of")
    ]
    if shows_lineage and not is_csv:
        names = ["column", "class", "origin", "made_of"]
    print_rows(names, [[row[name] for name in names] for row in rows], is_csv=is_csv)


def _write_contracts(facts: Facts, folder: Path) -> None:
    """Write a file of the Open Data Contract Standard for each schema that somebody reads."""
    for schema, contract in contracts(facts, read_thresholds()).items():
        path = folder / f"{schema}.odcs.yaml"
        try:
            write_contract(path, contract)
        except OSError as error:
            _refuse(f"{path}: cannot be written: {error.strerror}; name another folder")
        typer.echo(path)


@app.command()
def erase(
    customer: Annotated[
        list[int] | None, typer.Option(help="Number of a customer; may be repeated.")
    ] = None,
    prospect: Annotated[
        list[str] | None, typer.Option(help="Key of a prospect; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be erased.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="All who were ever erased, after a restore from a backup."),
    ] = False,
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
) -> None:
    """Erase persons from lake, warehouse, published versions, shares, run history and logs."""
    customers, prospects = list(map(str, customer or ())), list(prospect or ())
    use_setting("DBT_TARGET", target)
    try:
        erasure = Erasure.of_environment(target)
        if dry_run:
            typer.echo(json.dumps(erasure.plan(customers, prospects), indent=2))
            return
        # The key of a prospect begins with letters of the name, so the run history must not have it.
        with environment_variable(RUN_ARGUMENTS, "erase"), recorded_run("erase", target) as run:
            try:
                outcome = erasure.run(
                    customers,
                    prospects,
                    run,
                    lambda step: typer.echo(f"erase: {step}", err=True),
                    is_again=again,
                )
            except PersonError as error:
                # Nor may it have who was meant.
                run.message = "somebody cannot be erased"
                _refuse(str(error))
    except (PersonError, RefusedError) as error:
        _refuse(str(error))
    except ERRORS as error:
        if not has_begun():
            _refuse(f"nothing was erased: {with_advice(error)}")
        typer.secho(
            f"govern: not erased to the end: {with_advice(error)}; `python -m scripts.govern erase` goes on",
            fg="red",
            err=True,
        )
        raise typer.Exit(1) from error
    for problem in outcome.problems:
        typer.secho(f"govern: {problem}", fg="red", err=True)
    if outcome.certificate is None:
        raise typer.Exit(1)
    typer.echo(f"erased; certificate: {outcome.certificate}")
    for told in outcome.summary["to_be_told"]:
        typer.echo(f"tell {told['recipient']}, who was given {told['share']}")


def _erase_prospects(erasure: Erasure, keys: list[str]) -> None:
    outcome = erasure.run([], keys)
    if outcome.certificate is None:
        raise ErasureError("; ".join(outcome.problems))


@app.command()
def retain(
    does: Annotated[bool, typer.Option("--do", help="Retire what is due.")] = False,
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
) -> None:
    """Show what was kept as long as the register allows; with --do, retire it."""
    use_setting("DBT_TARGET", target)
    try:
        erasure = Erasure.of_environment(target)
        found = list(
            find_due(
                erasure.stores,
                erasure.register,
                erasure.contracts,
                utc_now().date(),
                partial(_erase_prospects, erasure),
            )
        )
        print_rows(
            ["feed", "kept", "due", "stays because"],
            [[due.subject, due.retention, due.count, due.why_kept] for due in found],
            is_csv=False,
        )
        if does:
            with recorded_run("retain", target):
                for path in retire(found, erasure.stores.erasures):
                    typer.echo(f"retired; record: {path}")
    except (PersonError, RefusedError) as error:
        _refuse(str(error))
    except ERRORS as error:
        typer.secho(
            f"govern: not retired to the end: {with_advice(error)}; run it again",
            fg="red",
            err=True,
        )
        raise typer.Exit(1) from error


def _row(read: ReadColumn, register: Register) -> dict[str, str]:
    sharing = list(register.vocabulary.sharing)
    given = [terms.sharing for terms in read.terms if terms.sharing in sharing]
    return {
        "column": str(read.column),
        "class": read.classification or "",
        "origin": str(read.origin),
        "owner": _joined(terms.owner for terms in read.terms),
        "purpose": _joined(terms.purpose for terms in read.terms),
        "legal_basis": _joined(terms.legal_basis for terms in read.terms),
        "kept": _joined(terms.kept for terms in read.terms),
        "may_be_given_to": max(given, key=sharing.index, default=""),
        "made_of": ", ".join(map(str, sorted(read.trace.sources))),
    }


def _joined(values: Iterable[str]) -> str:
    """Each value once, in its order."""
    return "; ".join(dict.fromkeys(values))


def _facts() -> Facts:
    """What there is, from the folder of the project."""
    path = artifact("manifest.json")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return Facts(manifest, Register.read(), Lineage.of_manifest(manifest), tuple(read_shares()))
    except FileNotFoundError:
        _refuse(
            f"{path} does not exist: run `dbt compile -s resource_type:model resource_type:snapshot` first"
        )
    except (RegisterError, LineageError, PolicyError, json.JSONDecodeError) as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    typer.secho(f"govern: {message}", fg="red", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
