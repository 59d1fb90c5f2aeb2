"""Shares: what a recipient gets is what its policy allows and nothing else; dumps and changes fit together; a version is whole, or not there."""

import hashlib
import hmac
import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from scripts.history.records import ShareDelivery, read_records
from scripts.load.filesystems import sha256_of
from scripts.share import dumps
from scripts.share.build import Outcome, RefusedError, WrongRowsError
from scripts.share.changes import ADDED, CHANGE, DELETED, MODIFIED
from scripts.share.checking import problems
from scripts.share.dumps import parquet_relation
from scripts.share.index import Index
from scripts.share.keys import KeyFileError
from scripts.share.policies import Share
from scripts.share.versions import Revocation, ShareVersions
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT
from tests.python.sharing import (
    KEY,
    MARKER,
    TABLE,
    TODAY,
    Row,
    World,
    csv_rows,
    dump_rows,
    envelope,
    expected,
    json_rows,
    killed_at,
    next_day,
    people,
    places_of,
    policy,
    written,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("_keys_and_records")]


@pytest.fixture
def _keys_and_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SHARE_KEYS", str(tmp_path / "keys"))
    for share in ("people", "other"):
        file = tmp_path / "keys" / "partner" / f"{share}.key"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(KEY.hex() + "\n")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def keyed(value: str) -> str:
    return hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()


def everything() -> dict[str, Any]:
    """A policy that shares all it can, in all formats."""
    personal = {
        "full_name": {"transformation": "drop", "reason": "Not needed."},
        "tax_id": {
            "transformation": "keyed_hash",
            "reason": "Versions of a person belong together.",
        },
        "born": {"transformation": "year", "reason": "Age groups."},
        "income": {"transformation": "bucket", "reason": "Income groups.", "size": 1_000_000},
        "note": {"transformation": "mask", "reason": "The column is expected."},
    }
    plain = ["person_id", "region", "tier", "joined_at", "is_active", "fee", "ref"]
    table = {
        "table": TABLE,
        "columns": plain,
        "personal": personal,
        "small_groups": {"by": ["born", "income"], "minimum": 5},
    }
    return envelope({"people": table})


def fingerprint(relation: str) -> tuple[Any, ...]:
    """By the recipe that compares tables of warehouses."""
    with duckdb.connect() as connection:
        types = {
            name: kind
            for name, kind, *_ in connection.execute(
                f"describe select * from {relation}"
            ).fetchall()
        }
        query = DuckDBWarehouse.recipe.fingerprint_query(relation, types, ())
        (found,) = connection.execute(query).fetchall()
    return tuple(found)


def applied(before: Outcome, after: Outcome) -> str:
    """The rows of a version that somebody makes who has the one before, and the changes, as in a FROM clause; what is deleted or changed goes, what is new comes."""
    old = before.index.resource("people", "dump")
    changes = after.index.resource("people", "changes")
    assert old and changes
    rows = parquet_relation(before.folder, old.files)
    changed = parquet_relation(after.folder, changes.files)
    return (
        f"(select * from {rows} where person_id not in (select person_id from {changed})"
        f" union all by name select * exclude ({CHANGE}) from {changed} where {CHANGE} <> '{DELETED}')"
    )


def dump_relation(outcome: Outcome) -> str:
    dump = outcome.index.resource("people", "dump")
    assert dump
    return parquet_relation(outcome.folder, dump.files)


def check_random_policy(tmp_path: Path, number: int, batches: int = 3) -> None:
    """Everything that must hold of a policy, batch by batch."""
    random = Random(number)
    world = World(tmp_path)
    content = policy(random)
    share = written(tmp_path / "policies", content)
    rows = people(random)
    before: Outcome | None = None
    for _ in range(batches):
        world.publish(rows)
        outcome = world.build(share)
        assert list(problems(outcome.folder)) == []
        wanted = expected(rows, content, keyed)
        assert dump_rows(outcome.folder, outcome.index) == wanted
        assert places_of(forbidden(rows, content), outcome.folder) == []
        check_text_formats(outcome, wanted)
        if before is not None:
            assert fingerprint(applied(before, outcome)) == fingerprint(dump_relation(outcome))
            check_counts(before, outcome)
        before = outcome
        rows = next_day(rows, random)


def forbidden(rows: list[Row], content: dict[str, Any]) -> list[str]:
    """What nobody may find: markers of all texts, days of birth other than the first of January, and incomes."""
    days = {f"{row['born']}" for row in rows if (row["born"].month, row["born"].day) != (1, 1)}
    return [MARKER, *sorted(days), *sorted(f"{row['income']}" for row in rows)]


def check_text_formats(outcome: Outcome, wanted: list[Row]) -> None:
    """CSV and JSON lines have the rows of Parquet, in the same order."""
    for resource in outcome.index.resources:
        if resource.kind != "dump" or resource.format == "parquet":
            continue
        (file,) = resource.files
        if resource.format == "csv":
            found = csv_rows(outcome.folder, file.path)
            assert found == [{name: as_csv(value) for name, value in row.items()} for row in wanted]
        else:
            shown = json_rows(outcome.folder, file.path)
            assert shown == [
                {name: as_json(value) for name, value in row.items()} for row in wanted
            ]


def as_csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def check_counts(before: Outcome, after: Outcome) -> None:
    """The index counts the changes that are there, and each row that is the same is left out."""
    old = {row["person_id"]: row for row in dump_rows(before.folder, before.index)}
    new = {row["person_id"]: row for row in dump_rows(after.folder, after.index)}
    found = {
        row["person_id"]: row[CHANGE] for row in dump_rows(after.folder, after.index, "changes")
    }
    wanted = dict.fromkeys(new.keys() - old.keys(), ADDED)
    wanted |= dict.fromkeys(old.keys() - new.keys(), DELETED)
    wanted |= {key: MODIFIED for key in old.keys() & new.keys() if old[key] != new[key]}
    assert found == wanted
    counted = after.index.changes["people"]
    kinds = list(wanted.values())
    assert not isinstance(counted, str)
    assert [counted.added, counted.modified, counted.deleted] == [
        kinds.count(kind) for kind in (ADDED, MODIFIED, DELETED)
    ]


@pytest.mark.parametrize("number", range(4))
def test_a_recipient_gets_what_the_policy_allows_and_changes_lead_from_dump_to_dump(
    tmp_path: Path, number: int
) -> None:
    check_random_policy(tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4, 204))
def test_the_same_of_two_hundred_other_policies(tmp_path: Path, number: int) -> None:
    check_random_policy(tmp_path, number, batches=4)


def test_the_search_finds_each_forbidden_value_where_it_is(world: World) -> None:
    rows = people(Random(1), 5)
    world.publish(rows)
    with duckdb.connect(str(world.published / world.versions[0] / "auditor.duckdb")) as connection:
        (world.folder / "leak").mkdir()
        target = world.folder / "leak" / "x.parquet"
        connection.execute(f"copy {TABLE} to '{target}' (format parquet, compression zstd)")
    words = forbidden(rows, {})
    assert len(words) > 5
    assert places_of(words, world.folder / "leak") == [f"x.parquet: {word}" for word in words]


def test_changes_are_applied_as_the_page_says(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    random = Random(21)
    rows = people(random, 300)
    for name in ("before", "after"):
        world.publish(rows)
        outcome = world.build(share)
        shutil.copytree(outcome.folder, tmp_path / name)
        rows = next_day(rows, random)
    (statements, *_) = re.findall(
        r"```sql\n(.*?)```", (ROOT / "docs/sharing.md").read_text(), flags=re.S
    )
    statements = statements.replace("trades", "people").replace("trade_id", "person_id")
    with duckdb.connect(config={"file_search_path": str(tmp_path)}) as connection:
        connection.execute(statements)
        found = connection.sql("from people order by person_id").to_arrow_reader(1000).read_all()
    wanted = dump_rows(outcome.folder, outcome.index)
    assert found.to_pylist() == wanted
    assert len(wanted) > 50
    changes = outcome.index.changes["people"]
    assert not isinstance(changes, str)
    assert min(changes.added, changes.modified, changes.deleted) > 0


def test_without_changes_there_is_an_empty_file_of_changes(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    rows = people(Random(3), 200)
    world.publish(rows)
    first = world.build(share)
    world.publish(rows)
    second = world.build(share)
    assert first.index.changes == {"people": "the first version"}
    assert dump_rows(second.folder, second.index, "changes") == []
    assert csv_rows(second.folder, "changes/people.csv.gz") == []
    assert json_rows(second.folder, "changes/people.jsonl.gz") == []
    dump = first.index.resource("people", "dump")
    assert dump and dump.rows > 0
    assert second.index.previous == first.index.version


def test_a_table_without_rows_is_shared_as_such(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish([])
    outcome = world.build(share)
    assert dump_rows(outcome.folder, outcome.index) == []
    assert list(problems(outcome.folder)) == []


def test_the_same_version_and_policy_give_the_same_bytes(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    random = Random(5)
    rows = people(random, 300)
    versions = [world.publish(rows), world.publish(next_day(rows, random))]
    found = []
    for place in ("here", "there"):
        for version in versions:
            outcome = world.build(share, version, tmp_path / place)
        files = sorted(path for path in outcome.folder.rglob("*") if path.is_file())
        found.append({path.relative_to(outcome.folder): sha256_of(str(path)) for path in files})
    assert len(found[0]) == 8
    assert found[0] == found[1]


def test_a_large_table_has_several_files(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "ROWS_OF_A_FILE", 100)
    content = everything()
    del content["tables"]["people"]["small_groups"]
    del content["tables"]["people"]["personal"]
    rows = people(Random(7), 250)
    world.publish(rows)
    outcome = world.build(written(tmp_path / "policies", content))
    dump = outcome.index.resource("people", "dump")
    assert dump is not None
    assert [file.rows for file in dump.files] == [100, 100, 50]
    assert [row["person_id"] for row in dump_rows(outcome.folder, outcome.index)] == list(
        range(1, 251)
    )
    world.publish([{**rows[0], "fee": Decimal("1.00")}, *rows[1:]])
    after = world.build(written(tmp_path / "policies", content))
    assert fingerprint(applied(outcome, after)) == fingerprint(dump_relation(after))
    assert after.index.changes["people"].modified == 1  # type: ignore[union-attr]
    assert list(problems(after.folder)) == []


def test_a_second_build_finds_nothing_to_do_until_version_or_policy_change(
    world: World, tmp_path: Path
) -> None:
    content = everything()
    share = written(tmp_path / "policies", content)
    world.publish(people(Random(1)))
    assert world.build(share).is_new
    again = world.build(share)
    assert not again.is_new
    content["purpose"] = "Another study."
    other = world.build(written(tmp_path / "policies", content))
    assert other.is_new
    assert other.index.version == f"{again.index.version}.2"
    assert other.index.previous == again.index.version


def test_other_columns_mean_that_the_table_is_read_again(world: World, tmp_path: Path) -> None:
    content = everything()
    world.publish(people(Random(1)))
    world.build(written(tmp_path / "policies", content))
    content["tables"]["people"]["columns"].remove("fee")
    outcome = world.build(written(tmp_path / "policies", content))
    assert outcome.index.changes == {"people": "other columns than in the version before"}
    assert outcome.index.resource("people", "changes") is None


def test_no_changes_are_made_from_a_damaged_version(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish(people(Random(1)))
    first = world.build(share)
    flip(first.folder / "tables/people/part-00000.parquet")
    world.publish(people(Random(2)))
    second = world.build(share)
    assert second.index.changes == {"people": "the version before is damaged"}
    assert list(problems(second.folder)) == []


def test_a_key_that_is_there_twice_is_refused_and_the_version_stays(
    world: World, tmp_path: Path
) -> None:
    share = written(tmp_path / "policies", everything())
    rows = people(Random(1), 300)
    world.publish(rows)
    first = world.build(share)
    world.publish([*rows, *rows])
    with pytest.raises(WrongRowsError, match="person_id is NULL or there twice"):
        world.build(share)
    assert current(world, share) == first.index.version


def test_old_versions_are_removed_but_as_many_as_the_policy_keeps(
    world: World, tmp_path: Path
) -> None:
    content = everything()
    content["retention"] = 1
    share = written(tmp_path / "policies", content)
    for number in range(4):
        world.publish(people(Random(number), 5))
        world.build(share)
    folder = ShareVersions.of("partner", "people", world.folder / "shares").folder
    assert sorted(path.name for path in folder.glob("batch-*")) == world.versions[-2:]


def current(world: World, share: Share) -> str | None:
    return ShareVersions.of(share.recipient, share.name, world.folder / "shares").current_name()


def test_only_the_owner_may_look_into_the_folders(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish(people(Random(1), 5))
    world.build(share)
    folder = world.folder / "shares"
    assert [path.stat().st_mode & 0o077 for path in (folder, folder / "partner")] == [0, 0]


def test_two_shares_give_different_hashes_of_a_person(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARE_KEYS", str(tmp_path / "new_keys"))
    world.publish(people(Random(1), 400))
    given = []
    for name in ("people", "other"):
        outcome = world.build(written(tmp_path / "policies", everything(), name))
        given.append({row["tax_id"] for row in dump_rows(outcome.folder, outcome.index)} - {None})
    assert given[0] and given[1]
    assert not given[0] & given[1]
    keys = sorted((tmp_path / "new_keys").rglob("*.key"))
    assert [path.stat().st_mode & 0o777 for path in keys] == [0o600, 0o600]


def test_a_lost_key_stops_the_share_and_is_not_replaced(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish(people(Random(1)))
    first = world.build(share)
    world.publish(people(Random(2)))
    (tmp_path / "keys/partner/people.key").unlink()
    with pytest.raises(KeyFileError, match="is gone; restore it from your backup"):
        world.build(share)
    assert current(world, share) == first.index.version


def test_what_nobody_may_have_is_not_built(world: World, tmp_path: Path) -> None:
    content = everything()
    content["tables"]["people"]["columns"].append("street")
    share = written(tmp_path / "policies", content)
    world.publish(people(Random(1), 5))
    with pytest.raises(RefusedError, match="personal_columns_have_a_reason: people: street"):
        world.build(share)
    assert not (world.folder / "shares").exists()


def test_a_revoked_share_is_gone_until_it_is_approved_later(world: World, tmp_path: Path) -> None:
    content = everything()
    share = written(tmp_path / "policies", content)
    world.publish(people(Random(1), 5))
    world.build(share)
    versions = ShareVersions.of("partner", "people", world.folder / "shares")
    with versions.locked():
        versions.revoke(Revocation(TODAY, "The contract has ended.", "ann"))
    assert [path.name for path in versions.folder.iterdir() if not path.name.startswith(".")] == [
        "revoked.json"
    ]
    with pytest.raises(RefusedError, match="is_not_revoked"):
        world.build(share)
    content["approved_on"] = TODAY.replace(day=TODAY.day - 1)
    with pytest.raises(RefusedError, match="is_not_revoked"):
        world.build(written(tmp_path / "policies", content))
    with versions.locked():
        versions.revoke(Revocation(TODAY.replace(day=1), "The contract has ended.", "ann"))
    assert world.build(share).index.changes == {"people": "the first version"}


def test_each_build_is_a_record_of_what_was_given(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish(people(Random(1), 300))
    outcome = world.build(share)
    world.build(share)
    (record,) = read_records(tmp_path / "runs", ShareDelivery)
    dump = outcome.index.resource("people", "dump")
    assert dump is not None
    assert record.action == "build"
    assert (record.recipient, record.share, record.version) == (
        "partner",
        "people",
        outcome.index.version,
    )
    assert (record.published_version, record.published_batch) == (world.versions[0], 1)
    assert (record.table_name, record.source_table) == ("people", TABLE)
    assert record.row_count == dump.rows == len(dump_rows(outcome.folder, outcome.index))
    assert record.byte_count == sum(file.bytes for file in outcome.index.files)
    assert record.personal_columns == "tax_id:keyed_hash,born:year,income:bucket,note:mask"


def test_what_cannot_be_recorded_is_not_given(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish(people(Random(1), 5))
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RUNS", str(tmp_path / "file"))
    with pytest.raises(Exception, match="set RUNS to a folder that can be written"):
        world.build(share)
    assert current(world, share) is None


def flip(file: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.fixture
def version(world: World, tmp_path: Path) -> Outcome:
    """The second version of a share."""
    share = written(tmp_path / "policies", everything())
    random = Random(9)
    rows = people(random, 200)
    world.publish(rows)
    world.build(share)
    world.publish(next_day(rows, random))
    return world.build(share)


def test_verification_finds_a_flipped_bit_in_any_file(version: Outcome) -> None:
    files = sorted(path for path in version.folder.rglob("*") if path.is_file())
    assert len(files) == 8
    for file in files:
        whole = file.read_bytes()
        flip(file)
        assert list(problems(version.folder)) != [], file.name
        file.write_bytes(whole)
    assert list(problems(version.folder)) == []


def test_verification_finds_a_missing_file_and_one_too_many(version: Outcome) -> None:
    (version.folder / "tables/people.csv.gz").unlink()
    (version.folder / "tables/more.csv.gz").write_bytes(b"")
    assert list(problems(version.folder)) == [
        "tables/more.csv.gz: not in index.json",
        "tables/people.csv.gz: missing",
    ]


def test_verification_finds_the_index_of_another_version(version: Outcome) -> None:
    assert version.index.previous
    before = version.folder.parent / version.index.previous
    shutil.copy(before / "index.json", version.folder)
    found = list(problems(version.folder))
    assert (
        f"index.json: is that of version {version.index.previous}, and the folder is {version.index.version}"
        in found
    )
    assert "index.json: not the one that SHA256SUMS was written for" in found


def test_verification_finds_an_index_that_counts_other_rows(version: Outcome) -> None:
    content = json.loads((version.folder / "index.json").read_text())
    content["resources"][0]["files"][0]["rows"] += 1
    (version.folder / "index.json").write_text(json.dumps(content))
    index = Index.read(version.folder)
    index.write(version.folder)
    (found,) = problems(version.folder)
    assert "rows, not" in found


def test_a_copy_under_another_name_is_whole(version: Outcome, tmp_path: Path) -> None:
    copied = shutil.copytree(version.folder, tmp_path / "downloads" / "from the partner")
    assert list(problems(copied)) == []


def check_kills(world: World, tmp_path: Path, kills: int) -> None:
    """Kill a build at moments from its beginning to its end; what is current is whole each time, and the next build goes on."""
    share = written(tmp_path / "policies", everything())
    random = Random(11)
    rows = people(random, 200)
    world.publish(rows)
    world.build(share)
    world.publish(rows := next_day(rows, random))
    steps = len(killed_at(world, share, None))
    assert steps > 15
    for number in range(kills):
        before = current(world, share)
        world.publish(rows := next_day(rows, random))
        killed_at(world, share, round(number * (steps - 1) / (kills - 1)))
        folder = world.folder / "shares/partner/people"
        now = current(world, share)
        assert now in (before, world.versions[-1])
        assert list(problems(folder / "current")) == []
        after = world.build(share)
        assert after.index.version == world.versions[-1]
        assert list(problems(after.folder)) == []
        assert [path for path in folder.iterdir() if path.name.startswith(".unfinished")] == []
        assert before
        old = Outcome(folder / before, Index.read(folder / before), is_new=False)
        assert fingerprint(applied(old, after)) == fingerprint(dump_relation(after))


def test_a_version_to_which_nothing_leads_is_built_again(world: World, tmp_path: Path) -> None:
    share = written(tmp_path / "policies", everything())
    world.publish(people(Random(1), 20))
    assert killed_at(world, share, "os.symlink")[-1] == "os.symlink"
    assert (world.folder / "shares/partner/people" / world.versions[0]).is_dir()
    assert current(world, share) is None
    outcome = world.build(share)
    assert outcome.index.version == world.versions[0]
    assert list(problems(outcome.folder)) == []


def test_a_killed_build_leaves_the_last_whole_version(world: World, tmp_path: Path) -> None:
    check_kills(world, tmp_path, 5)


@pytest.mark.slow
def test_a_build_killed_at_thirty_moments_leaves_the_last_whole_version(
    world: World, tmp_path: Path
) -> None:
    check_kills(world, tmp_path, 30)
