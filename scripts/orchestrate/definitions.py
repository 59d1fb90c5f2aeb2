"""Everything that Dagster knows about the warehouse.

Usage:
    definitions(manifest, read_contracts(CONTRACTS_FOLDER)).resolve_job_def("batch")
"""

import dagster as dg

from scripts.load.contracts import Contracts
from scripts.orchestrate.assets import WarehouseAssets
from scripts.orchestrate.learning import learning
from scripts.orchestrate.places import Places
from scripts.orchestrate.project import Manifest
from scripts.orchestrate.sensors import every_night, new_batches, tell_about_failures


def definitions(manifest: Manifest, contracts: Contracts) -> dg.Definitions:
    """Assets, checks, jobs, sensors and resources of the warehouse."""
    assets = WarehouseAssets(manifest, contracts)
    batch = dg.define_asset_job(
        "batch",
        # Checks are told as the batch comes to them. Announcing hundreds of them beforehand takes the database of Dagster half a minute.
        selection=dg.AssetSelection.all().without_checks(),
        description="One batch: load, build, validate, publish.",
    )
    model_jobs, model_schedules = learning()
    return dg.Definitions(
        assets=[assets.feeds, assets.tables, assets.published],
        jobs=[batch, assets.every_batch, *model_jobs],
        sensors=[new_batches(batch, contracts), tell_about_failures],
        schedules=[every_night(assets.every_batch), *model_schedules],
        resources={"places": Places.from_environment()},
        # One process for a run: dbt starts once, and ends with it.
        executor=dg.in_process_executor,
    )
