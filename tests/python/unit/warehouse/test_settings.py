"""Settings of dbt are changed only if they mean something else."""

import os

import pytest

from scripts.warehouse.settings import DEFAULTS, setting, use_setting


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("before", [None, "", "another"])
def test_a_setting_is_used(name: str, before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, before or "")
    if before is None:
        monkeypatch.delenv(name)
    use_setting(name, "chosen")
    assert setting(name) == "chosen"
    use_setting(name, DEFAULTS[name])
    assert setting(name) == DEFAULTS[name]


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_means_the_same_stays_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    use_setting(name, DEFAULTS[name])
    assert name not in os.environ
