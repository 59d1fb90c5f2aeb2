"""Deliver a batch of a dataset, as a source system does: its folder, and the files of the audit that lie beside."""

import shutil
from pathlib import Path


def drop_batch(dataset: Path, sources: Path, batch: int) -> None:
    """Copy what comes with a batch from a dataset into a source folder; with the first one, what comes once."""
    sources.mkdir(parents=True, exist_ok=True)
    once = dataset.glob("Generator_audit.csv") if batch == 1 else ()
    for path in (*dataset.glob(f"Batch{batch}_*"), *once):
        shutil.copy2(path, sources / path.name)
    shutil.copytree(dataset / f"Batch{batch}", sources / f"Batch{batch}")
