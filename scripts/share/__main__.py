"""Data for other companies, by policies that are files of the folder `shares` (docs/sharing.md).

Usage:
    python -m scripts.share check                           do all policies keep the rules?
    python -m scripts.share check --against old/manifest.json   which shares does a change of a model break?
    python -m scripts.share build                           a new version of each share that is built with each batch
    python -m scripts.share build trading_activity          of one share
    python -m scripts.share deliver                         takes the current versions to the destinations that the policies name
    python -m scripts.share list                            all shares, and what their recipients have
    python -m scripts.share list --given                    all that was ever given to anybody
    python -m scripts.share list --table marts.dim_customer who was given anything of a table: after an erasure, who must be told
    python -m scripts.share verify data/shares/market_research/trading_activity/current
    python -m scripts.share verify FOLDER --public-key signing.pub.pem    and is it from whom it should be?
    python -m scripts.share make-signing-key                versions are signed from now on
    python -m scripts.share profile issue market_research --endpoint https://data.example.net/delta-sharing --days 90    a profile file of Delta Sharing
    python -m scripts.share profile list
    python -m scripts.share profile revoke 1f2e3d4c         ends a profile, and all links that it has got
    python -m scripts.share revoke market_research/trading_activity --reason "contract ended"

A version is a folder with its dumps, what has changed since the version before, `index.json` and `SHA256SUMS`; the link `current` leads to the newest one. It is made
from what is published (python -m scripts.publish) and changes only when that or the policy does.

Exit codes: 0 all is well; 1 a rule is violated, or a folder is damaged; 2 something cannot be read or written.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import duckdb
import psycopg2
import typer
from rich.table import Table

from scripts.history.recording import recorded_run, user_name
from scripts.history.records import RecordError
from scripts.publish.versions import CURRENT, PublishError
from scripts.serve.api.keys import KeyFileError as ProfileFileError
from scripts.serve.declarations import Declarations
from scripts.serve.published import open_published
from scripts.serve.sessions import ServeError
from scripts.share import signing
from scripts.share.build import LIMITS, RUN_KIND, RefusedError, WrongRowsError, build, refuse
from scripts.share.changes import Changes
from scripts.share.checking import problems
from scripts.share.comparing import broken_shares
from scripts.share.deliveries import read_deliveries, record_given, record_revocation
from scripts.share.destinations import DestinationError, deliver, delivered_version, withdraw
from scripts.share.index import Index, UnreadableIndexError
from scripts.share.keys import KeyFileError
from scripts.share.policies import EACH_BATCH, PolicyError, Share, is_name, read_shares
from scripts.share.profiles import ROLE, profile_content, profile_store
from scripts.share.rules import OF_ALL, Rules, read_rules, violations
from scripts.share.signing import SigningError, signature_problem
from scripts.share.versions import Revocation, ShareVersions
from scripts.warehouse.clock import utc_now
from scripts.warehouse.settings import Target, use_setting
from scripts.warehouse.terminal import print_table

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # The mark keeps the lines of a paragraph as they are.
    help=(__doc__ or "").replace("\n\n", "\n\n\b\n"),
    rich_markup_mode=None,
)
_CANNOT = (
    PolicyError,
    ServeError,
    PublishError,
    KeyFileError,
    ProfileFileError,
    RecordError,
    WrongRowsError,
    DestinationError,
    SigningError,
    UnreadableIndexError,
    duckdb.Error,
    psycopg2.Error,
    OSError,
)

profile_app = typer.Typer(
    no_args_is_help=True,
    help="Issue, list and revoke profiles: with one, a recipient reads its shares by Delta Sharing.",
)
app.add_typer(profile_app, name="profile")

TargetOption = Annotated[
    Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
]


@app.command()
def check(
    against: Annotated[
        Path | None,
        typer.Option(
            help="The manifest.json of dbt before a change: says which shares the change breaks."
        ),
    ] = None,
) -> None:
    """Do all policies keep the rules? And are they approved today?"""
    with _told():
        shares, rules, declarations = read_shares(), read_rules(), Declarations.of_project()
        today = utc_now().date()
        found = [violation.text for rule in OF_ALL for violation in rule(shares)]
        for share in shares:
            found += [each.text for each in violations(share, rules, declarations, today)]
        if against is not None:
            found += broken_shares(shares, Declarations.of_file(against), declarations)
    _end(found, f"{len(shares)} shares keep the rules")


@app.command("build")
def build_command(
    name: Annotated[
        str | None, typer.Argument(help="Of the share; without it, all that go with each batch.")
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(help="A published version that is still kept; the current one without it."),
    ] = None,
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Build a version from what is published; nothing is done if it is there."""
    use_setting("DBT_TARGET", target)
    refused = []
    with _told():
        chosen = _chosen(read_shares(), name)
        rules = read_rules()
        with closing(open_published(target, limits=LIMITS, keeps_types=True)) as published:
            for share in chosen:
                try:
                    outcome = build(share, rules, published, version=version)
                except RefusedError as error:
                    refused.append(str(error))
                    continue
                how = "built" if outcome.is_new else "built before"
                typer.echo(f"{how}: {share.label}: {outcome.folder}: {_summary(outcome.index)}")
    _end(refused)


@app.command("deliver")
def deliver_command(
    name: Annotated[
        str | None, typer.Argument(help="Of the share; without it, all that have a destination.")
    ] = None,
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Take the current version to the destination that the policy names; goes on where it was interrupted."""
    use_setting("DBT_TARGET", target)
    failed = []
    with _told():
        rules, declarations = read_rules(), Declarations.of_project()
        for share in _with_destination(read_shares(), name):
            try:
                typer.echo(_deliver(share, rules, declarations, target))
            except (RefusedError, DestinationError) as error:
                # The others get theirs.
                failed.append(str(error))
    _end(failed)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Of a version, or a link to it.")],
    public_key: Annotated[
        Path | None, typer.Option(help="Of the one who must have signed it; needs the extra share.")
    ] = None,
) -> None:
    """Does a folder hold what its index says? Needs neither project nor warehouse."""
    with _told():
        found = list(problems(folder))
        if public_key and (problem := signature_problem(folder, public_key)):
            found.append(problem)
    _end(found, f"{folder}: whole")


@app.command()
def make_signing_key() -> None:
    """Make the key that signs all versions from now on; needs the extra share."""
    with _told():
        public = signing.make_signing_key()
    typer.echo(f"{public}: give it to your recipients, by another way than the data")


@app.command()
def revoke(
    share: Annotated[str, typer.Argument(help="As recipient/share.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Remove all versions of a share; it is not built again until it is approved on a later day."""
    use_setting("DBT_TARGET", target)
    recipient, _, name = share.partition("/")
    with _told():
        versions = ShareVersions.of(recipient, name)
        if not (is_name(recipient) and is_name(name)) or not versions.folder.is_dir():
            raise PolicyError(f"{share}: nobody was given it; see python -m scripts.share list")
        with versions.locked(), recorded_run(RUN_KIND, target) as run:
            record_revocation(run.run_id, recipient, name, versions.current_index(), reason)
            versions.revoke(Revocation(utc_now().date(), reason, user_name()))
            for destination in _destinations_of(recipient, name):
                withdraw(destination, share)
    typer.echo(f"revoked: {share}; copies that the recipient has made are not ours to remove")


def _destinations_of(recipient: str, name: str) -> list[str]:
    """Wherever a share was ever taken to, and where its policy takes it today."""
    declared: list[Share] = []
    # A policy that cannot be read is no reason to leave the data there.
    with suppress(PolicyError):
        declared = read_shares()
    given = [
        each.destination
        for each in read_deliveries()
        if (each.recipient, each.share) == (recipient, name) and each.destination
    ]
    named = [
        each.destination
        for each in declared
        if (each.recipient, each.name) == (recipient, name) and each.destination
    ]
    return list(dict.fromkeys((*given, *named)))


@app.command("list")
def list_command(
    given: Annotated[
        bool, typer.Option("--given", help="All that was ever given to anybody.")
    ] = False,
    table: Annotated[
        str | None,
        typer.Option(help="As schema.table: who was given anything of it, and which columns."),
    ] = None,
) -> None:
    """All shares, or all that was ever given."""
    with _told():
        if given or table:
            _show_deliveries(table)
        else:
            _show_shares(read_shares())


@profile_app.command("issue")
def issue_profile(
    recipient: Annotated[str, typer.Argument(help="Who gets it, as in the policies.")],
    endpoint: Annotated[
        str, typer.Option(help="Where the recipient finds the data API, with /delta-sharing.")
    ] = "http://127.0.0.1:8000/delta-sharing",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Until it expires.")] = 90,
) -> None:
    """Issue a profile, and print the file that the recipient gets: it cannot be shown again."""
    with _told():
        known = sorted({share.recipient for share in read_shares()})
        if recipient not in known:
            raise PolicyError(
                f"{recipient}: no policy names this recipient; there are {', '.join(known) or 'none'}"
            )
        text, key = profile_store().issue(recipient, ROLE, days)
    typer.echo(profile_content(endpoint, text, key), nl=False)
    typer.secho(
        f"Profile {key.key_id} for {recipient}, until {key.expires_at:%Y-%m-%d}. It is not shown again: give it by a way that nobody else reads.",
        err=True,
    )


@profile_app.command("list")
def list_profiles() -> None:
    """Show all profiles, without their secrets."""
    with _told():
        shown = _table("profile", "recipient", "issued", "expires", "state")
        for key in profile_store().all():
            days = (f"{each:%Y-%m-%d}" for each in (key.issued_at, key.expires_at))
            shown.add_row(key.key_id, key.name, *days, key.state(utc_now()))
    print_table(shown)


@profile_app.command("revoke")
def revoke_profile(
    profile: Annotated[str, typer.Argument(help="As `profile list` shows it.")],
) -> None:
    """End a profile now, and all links that it has got."""
    with _told():
        key = profile_store().revoke(profile)
    typer.echo(f"Profile {key.key_id} of {key.name} is revoked.")


def _chosen(shares: list[Share], name: str | None) -> list[Share]:
    if name is None:
        return [share for share in shares if share.schedule == EACH_BATCH]
    found = [share for share in shares if share.name == name]
    if not found:
        known = ", ".join(share.name for share in shares) or "none"
        raise PolicyError(f"{name}: no such share; there are {known}")
    return found


def _with_destination(shares: list[Share], name: str | None) -> list[Share]:
    if name is None:
        return [share for share in shares if share.destination]
    (share,) = _chosen(shares, name)
    if not share.destination:
        raise PolicyError(f"{name}: its policy names no destination")
    return [share]


def _deliver(share: Share, rules: Rules, declarations: Declarations, target: Target) -> str:
    """Take the current version of a share to its destination; returns a line about it."""
    assert share.destination
    versions = ShareVersions.of(share.recipient, share.name)
    refuse(share, rules, declarations, versions, utc_now().date())
    if versions.current_name() is None:
        raise DestinationError(f"{share.label}: nothing is built; python -m scripts.share build")
    with versions.locked():
        index = Index.read(versions.folder / CURRENT)
        if delivered_version(share.destination, share.label) == index.version:
            return f"delivered before: {share.label}: {index.version}, to {share.destination}"
        with recorded_run(RUN_KIND, target, index.source["batch_id"]) as run:
            record_given(run.run_id, index, share.destination)
            done = deliver(share.destination, versions, index, share.encrypted_to)
    return f"delivered: {share.label}: {done.text}, to {share.destination}"


def _summary(index: Index) -> str:
    """What has changed, table by table."""
    texts = []
    for table, changes in index.changes.items():
        dump = index.resource(table, "dump")
        rows = f"{dump.rows:,} rows" if dump else ""
        if isinstance(changes, Changes):
            counts = f"+{changes.added:,} ~{changes.modified:,} -{changes.deleted:,}"
            texts.append(f"{table} {rows} ({counts})")
        else:
            texts.append(f"{table} {rows} ({changes})")
    return ", ".join(texts)


def _show_shares(shares: list[Share]) -> None:
    rules, declarations = read_rules(), Declarations.of_project()
    shown = _table("recipient", "share", "state", "until", "version", "rows", "bytes")
    for share in shares:
        versions = ShareVersions.of(share.recipient, share.name)
        try:
            refuse(share, rules, declarations, versions, utc_now().date())
            state = "allowed"
        except RefusedError as error:
            state = "refused: " + ", ".join(sorted({each.rule for each in error.violations}))
        index = versions.current_index()
        shown.add_row(
            share.recipient,
            share.name,
            state,
            str(share.approved_until),
            index.version if index else "none",
            f"{index.rows:,}" if index else "",
            f"{sum(file.bytes for file in index.files):,}" if index else "",
        )
    print_table(shown)


def _show_deliveries(table: str | None) -> None:
    shown = _table("at", "action", "recipient", "share", "version", "table", "rows", "personal")
    for each in read_deliveries():
        if table is None or each.source_table == table:
            shown.add_row(
                f"{each.delivered_at:%Y-%m-%d %H:%M:%S}",
                each.action,
                each.recipient,
                each.share,
                each.version or "",
                each.source_table,
                "" if each.row_count is None else f"{each.row_count:,}",
                each.personal_columns or "",
            )
    print_table(shown)


def _table(*names: str) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in names:
        shown.add_column(name, overflow="fold")
    return shown


@contextmanager
def _told() -> Iterator[None]:
    """Say in one line what cannot be done, and end with exit code 2."""
    try:
        yield
    except _CANNOT as error:
        typer.secho(f"share: {' '.join(str(error).split())}", fg="red", err=True)
        raise typer.Exit(2) from error


def _end(found: list[str], well: str = "") -> None:
    """Say what was found, and end with exit code 1 if it was anything."""
    for text in found:
        typer.secho(f"share: {text}", fg="red", err=True)
    if found:
        raise typer.Exit(1)
    if well:
        typer.echo(well)


if __name__ == "__main__":
    app()
