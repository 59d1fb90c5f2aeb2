import os
from pathlib import Path

import pytest
from planted import Planted


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    # Nothing of it need survive a crash of the machine, and a busy disk takes long.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return Planted(tmp_path)
