"""The machine and the versions that figures belong to.

Usage:
    describe_machine()    {"processor": "...", "cores": "2", ...}
"""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
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
    """The commit of the checkout, with a mark if files have been changed since."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return described.stdout.strip() or "not a git checkout"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
