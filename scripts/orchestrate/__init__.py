"""Dagster for the warehouse: what to run, when, and what becomes of it. The work itself is done by the functions of the commands.

    location      what Dagster loads
    definitions   everything below, put together
    project       the manifest of the dbt project, parsed only if the project has changed
    assets        feeds, models, seeds and snapshots as assets, data tests as checks; one partition for each batch
    sensors       start a batch when its files are complete, or every night; tell when a run has failed
    learning      models: watched, trained again, scoring
    launcher      each run in a process of its own, which ends when the run does
    server        `make orchestrate`: the web server and the daemon

It is an extra: nothing else in the project needs it.
"""

from importlib.util import find_spec

if not find_spec("dagster_dbt"):
    raise ModuleNotFoundError(
        "Dagster is not installed; run `make .venv/.orchestrate`", name="scripts.orchestrate"
    )
