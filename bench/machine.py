"""The machine and the versions that figures belong to.

Usage:
    describe_machine()    {"processor": "...", "cores": "2", ...}
"""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The session writes it after each part.
_PAGE = (":!docs/benchmarks.md", ":!docs/benchmarks")
_PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dbt-postgres", "pyarrow")


def describe_machine() -> dict[str, str]:
    """Processor, cores, memory, system and versions, in words, by topic."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def describe_version() -> str:
    """The commit of the checkout, marked if files other than the page of figures have changed since."""
    commit = _git("describe", "--always")
    changed = _git("diff", "--name-only", "HEAD", "--", ".", *_PAGE)
    return (commit + ("-dirty" if changed else "")) or "not a git checkout"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
