"""What happens to folders: complete datasets only, and nobody's other files touched."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brokerage_sources.generate import OutputError, Parameters, generate
from brokerage_sources.generate.command import app
from brokerage_sources.generate.writing import DataFile, new_dataset

TINY = ["--scale-factor", "0.01", "--workers", "1"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scale-factor", "0"], "scale factor"),
        (["--scale-factor", "-3"], "scale factor"),
        (["--scale-factor", "many"], "scale factor"),
        (["--scale-factor", "nan"], "scale factor"),
        (["--scale-factor", "1/0"], "scale factor"),
        (["--batches", "0"], "batches"),
        (["--batches", "366"], "batches"),
        (["--workers", "0"], "workers"),
        (["--seed", "-1"], "seed"),
        (["--error-floor", "99"], "error_floor"),
        (["--formats", "csv"], "formats"),
    ],
)
def test_a_wrong_argument_gives_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, stderr = run("--output", str(tmp_path / "dataset"), *arguments)
    assert code == 2
    assert len(stderr.strip().splitlines()) == 1
    assert message in stderr
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_dataset_and_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--output", str(tmp_path / "dataset"), *TINY])
    assert result.exit_code == 0
    assert "3 batches" in result.stdout
    assert (tmp_path / "dataset" / "manifest.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_the_option_formats_may_be_repeated(tmp_path: Path) -> None:
    chosen = ["--formats", "xml", "--formats", "fixed_width"]
    result = CliRunner().invoke(app, ["--output", str(tmp_path / "dataset"), *TINY, *chosen])
    assert result.exit_code == 0
    names = {path.name for path in (tmp_path / "dataset").rglob("*") if "_audit" not in path.name}
    assert {"CustomerMgmt.xml", "FINWIRE1967Q1"} <= names
    assert "Trade.txt" not in names


def test_the_help_cuts_off_no_name_in_a_narrow_terminal() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"})
    assert "--same-quarter-issue-percent" in result.stdout
    assert "\N{HORIZONTAL ELLIPSIS}" not in result.stdout


def test_an_output_with_files_is_refused_without_force(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for arguments in ([], ["--force"]):
        code, stderr = run("--output", str(tmp_path), *TINY, *arguments)
        assert code == 2
        assert "--force" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_force_replaces_a_generated_dataset_only_if_nothing_was_added(tmp_path: Path) -> None:
    output = tmp_path / "dataset"
    first = generate(Parameters(scale_factor=0.01, seed=1), output)
    with pytest.raises(OutputError, match="not empty"):
        generate(Parameters(scale_factor=0.01, seed=2), output)
    second = generate(Parameters(scale_factor=0.01, seed=2), output, force=True)
    assert second.files != first.files
    (output / "Batch1" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        generate(Parameters(scale_factor=0.01, seed=3), output, force=True)
    assert (output / "Batch1" / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset").write_text("mine")
    assert run("--output", str(tmp_path / "dataset"), *TINY)[0] == 2
    assert run("--output", str(tmp_path / "dataset" / "below"), *TINY)[0] == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_gives_one_line_and_leaves_nothing(tmp_path: Path, workers: str) -> None:
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6)); "
    call = "from brokerage_sources.generate.command import app; app(sys.argv[1:])"
    arguments = [
        "--output",
        str(tmp_path / "dataset"),
        "--scale-factor",
        "0.01",
        "--workers",
        workers,
    ]
    done = subprocess.run(
        [sys.executable, "-c", limit + call, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        f"generate: writing {tmp_path / 'dataset'} failed: File too large"
    ]
    assert not list(tmp_path.iterdir())


def test_a_failure_keeps_the_earlier_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "dataset"
    earlier = generate(Parameters(scale_factor=0.01), output)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DataFile, "write", fail)
    code, stderr = run("--output", str(output), "--force", *TINY)
    assert code == 1
    assert "No space left on device" in stderr
    assert (output / "Batch1" / "Trade.txt").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
    assert earlier.files


def test_the_next_run_cleans_up_after_a_killed_one_but_not_after_a_running_one(
    tmp_path: Path,
) -> None:
    killed, running = tmp_path / ".dataset.generating-1", tmp_path / ".dataset.generating-2"
    for folder in (killed, running):
        (folder / "Batch1").mkdir(parents=True)
    handle = os.open(running, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with new_dataset(tmp_path / "dataset", force=False) as folder:
        (folder / "manifest.json").write_text("{}")
        assert not killed.exists()
        assert running.exists()
    os.close(handle)
    assert (tmp_path / "dataset" / "manifest.json").exists()


def test_a_dataset_lost_between_two_renames_comes_back(tmp_path: Path) -> None:
    (tmp_path / ".dataset.replaced").mkdir()
    (tmp_path / ".dataset.replaced" / "manifest.json").write_text('{"files": {}}')
    with pytest.raises(ZeroDivisionError), new_dataset(tmp_path / "dataset", force=True):
        raise ZeroDivisionError
    assert (tmp_path / "dataset" / "manifest.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_dataset(tmp_path / "dataset", force=False) as folder:
        (folder / "Batch1").mkdir()
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_progress_is_reported_up_to_the_last_byte(tmp_path: Path) -> None:
    seen: list[int] = []
    dataset = generate(Parameters(scale_factor=0.01), tmp_path / "dataset", on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == dataset.bytes
