"""A version is taken to its destination as a whole, or what was there stays; what was interrupted goes on."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, time
from pathlib import Path
from random import Random
from typing import Any

import pyrage
import pytest
import yaml
from fsspec.implementations.local import LocalFileSystem
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from scripts.history.records import ShareDelivery, read_records
from scripts.load.filesystems import filesystem_of
from scripts.serve.declarations import Declarations
from scripts.share import __main__ as command
from scripts.share import destinations
from scripts.share.build import Outcome
from scripts.share.checking import problems
from scripts.share.destinations import DestinationError, deliver, delivered_version, withdraw
from scripts.share.policies import PolicyError, read_share
from scripts.share.versions import ShareVersions
from scripts.warehouse.workspace import ROOT
from tests.python.sharing import (
    TABLE,
    TODAY,
    World,
    envelope,
    next_day,
    people,
    use_places,
    written,
)

pytestmark = pytest.mark.integration

LABEL = "partner/people"


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_places(tmp_path, monkeypatch)
    monkeypatch.setattr(destinations, "WAITS", (0.0, 0.0))


def content() -> dict[str, Any]:
    table = {"table": TABLE, "columns": ["person_id", "region", "fee"]}
    return envelope({"people": table}) | {"retention": 1}


@pytest.fixture
def build(tmp_path: Path) -> Callable[[], tuple[ShareVersions, Outcome]]:
    """Builds one version after the other."""
    world, random = World(tmp_path), Random(1)
    share = written(tmp_path / "policies", content())
    rows = [people(random)]

    def one() -> tuple[ShareVersions, Outcome]:
        world.publish(rows[-1])
        rows.append(next_day(rows[-1], random))
        return ShareVersions.of("partner", "people"), world.build(share)

    return one


Build = Callable[[], tuple[ShareVersions, Outcome]]


def test_a_folder_gets_a_whole_version_and_then_its_name(build: Build, tmp_path: Path) -> None:
    place = tmp_path / "out box [1]"
    versions, first = build()
    done = deliver(str(place), versions, first.index)
    assert (done.parts, done.sent) == (5, 5)
    assert list(problems(place / first.index.version)) == []
    assert delivered_version(str(place), LABEL) == first.index.version
    pointer = json.loads((place / "current.json").read_text())
    assert (place / pointer["index"]).read_bytes() == (first.folder / "index.json").read_bytes()
    assert deliver(str(place), versions, first.index).sent == 0


def test_versions_that_are_not_kept_here_are_removed_there(build: Build, tmp_path: Path) -> None:
    place = tmp_path / "place"
    names = []
    for _ in range(4):
        versions, outcome = build()
        deliver(str(place), versions, outcome.index)
        names.append(outcome.index.version)
    assert sorted(path.name for path in place.iterdir()) == [*names[-2:], "current.json"]


def failing(after: int, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system fails to take files, some times, after some files."""
    put_file, calls = LocalFileSystem.put_file, []

    def put(self: LocalFileSystem, *arguments: Any, **more: Any) -> None:
        calls.append(arguments)
        if after < len(calls) <= after + times:
            raise OSError("the network is down")
        put_file(self, *arguments, **more)

    monkeypatch.setattr(LocalFileSystem, "put_file", put)


def test_a_destination_that_is_down_keeps_what_it_had_and_later_gets_the_rest(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    versions, first = build()
    deliver(str(place), versions, first.index)
    versions, second = build()
    with monkeypatch.context() as patch:
        failing(3, 100, patch)
        with pytest.raises(DestinationError, match="tried 3 times: the network is down"):
            deliver(str(place), versions, second.index)
    assert delivered_version(str(place), LABEL) == first.index.version
    assert list(problems(place / first.index.version)) == []
    done = deliver(str(place), versions, second.index)
    assert (done.parts, done.sent) == (8, 5)
    assert delivered_version(str(place), LABEL) == second.index.version
    assert list(problems(place / second.index.version)) == []


def test_a_destination_that_is_away_for_a_moment_is_tried_again(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions, first = build()
    failing(2, 2, monkeypatch)
    assert deliver(str(tmp_path / "place"), versions, first.index).sent == 5


def test_a_file_with_other_bytes_is_sent_again_and_one_too_many_stops_it(
    build: Build, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    versions, first = build()
    deliver(str(place), versions, first.index)
    (place / "current.json").unlink()
    there = place / first.index.version
    file = there / "tables/people.csv.gz"
    file.write_bytes(bytes(file.stat().st_size))
    assert deliver(str(place), versions, first.index).sent == 1
    assert list(problems(there)) == []
    (there / "more").write_text("x")
    with pytest.raises(DestinationError, match="/more: not there as sent"):
        deliver(str(place), versions, first.index)


def test_a_damaged_version_is_not_sent(build: Build, tmp_path: Path) -> None:
    versions, first = build()
    (first.folder / "tables/people.csv.gz").unlink()
    with pytest.raises(DestinationError, match="not sent, because it is damaged"):
        deliver(str(tmp_path / "place"), versions, first.index)
    assert not (tmp_path / "place").exists()


def test_an_unknown_kind_of_address_is_told(build: Build) -> None:
    versions, first = build()
    with pytest.raises(DestinationError, match="nowhere://x"):
        deliver("nowhere://x", versions, first.index)


def test_a_policy_has_no_password(tmp_path: Path) -> None:
    secret = content() | {"destination": "sftp://ann:secret@host/folder"}
    with pytest.raises(PolicyError, match="they come from the environment"):
        written(tmp_path / "policies", secret)
    plain = written(tmp_path / "policies", content())
    elsewhere = written(tmp_path / "policies", content() | {"destination": "s3://bucket/folder"})
    assert elsewhere.digest == plain.digest


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket on this machine."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    filesystem, _ = filesystem_of("s3://partner")
    filesystem.clear_instance_cache()
    filesystem, _ = filesystem_of("s3://partner")
    filesystem.mkdir("partner")
    try:
        yield "s3://partner/data"
    finally:
        filesystem.clear_instance_cache()
        server.stop()


def test_a_bucket_gets_a_version_and_loses_it_again(
    build: Build, bucket: str, tmp_path: Path
) -> None:
    versions, first = build()
    assert deliver(bucket, versions, first.index).sent == 5
    assert deliver(bucket, versions, first.index).sent == 0
    versions, second = build()
    assert deliver(bucket, versions, second.index).sent == 8
    assert delivered_version(bucket, LABEL) == second.index.version
    filesystem, root = filesystem_of(bucket)
    filesystem.get(f"{root}/{second.index.version}", str(tmp_path / "got"), recursive=True)
    assert list(problems(tmp_path / "got")) == []
    withdraw(bucket, LABEL)
    assert filesystem.find(root) == []


def test_files_are_encrypted_to_the_recipient_who_reads_them_as_the_page_says(
    build: Build, tmp_path: Path
) -> None:
    place, identity = tmp_path / "place", pyrage.x25519.Identity.generate()
    key = str(identity.to_public())
    versions, first = build()
    assert deliver(str(place), versions, first.index, key).sent == 5
    there = place / first.index.version
    files = [path for path in there.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".age"}
    plain = {
        (first.folder / path.relative_to(there)).with_suffix("").read_bytes() for path in files
    }
    assert not any(text[:60] in path.read_bytes() for path in files for text in plain)
    assert json.loads((place / "current.json").read_text())["index"].endswith("index.json.age")
    # Encrypted once: what is there is not sent again; what was cut off is.
    assert deliver(str(place), versions, first.index, key).sent == 0
    files[0].write_bytes(files[0].read_bytes()[:-1])
    assert deliver(str(place), versions, first.index, key).sent == 1
    (there / "key.txt").write_text(f"# created by age-keygen\n{identity}\n")
    page = (ROOT / "docs/sharing.md").read_text()
    (example,) = [
        text for text in re.findall(r"```python\n(.*?)```", page, re.S) if "pyrage" in text
    ]
    subprocess.run([sys.executable, "-c", example], cwd=there, check=True)
    (there / "key.txt").unlink()
    assert list(problems(there)) == []
    # Another key is another encryption; copies go with their version.
    other = str(pyrage.x25519.Identity.generate().to_public())
    assert deliver(str(tmp_path / "other"), versions, first.index, other).sent == 5
    assert versions.encrypted(first.index.version).exists()
    versions.remove(first.index.version)
    assert not versions.encrypted(first.index.version).exists()


def test_a_policy_has_a_public_key_of_age_and_no_secret_one(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    there = content() | {"destination": "s3://bucket/folder"}
    for key in (str(identity), "age1abc", "AGE1" + "Q" * 58):
        with pytest.raises(PolicyError, match="no public key of age") as error:
            written(tmp_path / "policies", there | {"encrypted_to": key})
        assert key not in str(error.value)
    public = {"encrypted_to": str(identity.to_public())}
    for elsewhere in (content(), content() | {"destination": "postgresql://host/name"}):
        with pytest.raises(PolicyError, match="only files"):
            written(tmp_path / "policies", elsewhere | public)
    share = written(tmp_path / "policies", there | public)
    assert share.digest == written(tmp_path / "policies", there).digest


def test_the_command_delivers_once_records_it_and_revokes_there_too(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    _, first = build()
    file = tmp_path / "policies" / "people.yml"
    file.write_text(yaml.safe_dump(content() | {"destination": str(place)}))
    shares = [read_share(file)]
    world = World(tmp_path)
    monkeypatch.setattr(command, "read_shares", lambda: shares)
    monkeypatch.setattr(command, "utc_now", lambda: datetime.combine(TODAY, time(12)))
    monkeypatch.setattr(Declarations, "of_project", lambda: world.declarations)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(command.app, arguments)
        assert done.exit_code == 0, done.output
        return done.output

    assert f"delivered: partner/people: {first.index.version}: 5 files, 5 sent" in run("deliver")
    assert "delivered before: partner/people" in run("deliver", "people")
    actions = [
        (each.action, each.destination) for each in read_records(tmp_path / "runs", ShareDelivery)
    ]
    assert sorted(actions, key=str) == [("build", None), ("deliver", str(place))]
    # Whatever the policy says by then.
    shares.clear()
    run("revoke", "partner/people", "--reason", "The contract has ended.")
    assert list(place.iterdir()) == []
