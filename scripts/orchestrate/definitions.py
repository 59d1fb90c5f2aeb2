"""What Dagster loads: `dagster ... -m scripts.orchestrate.definitions`."""

import dagster as dg

from scripts.load.contracts import Contracts, read_contracts
from scripts.load.run import CONTRACTS_FOLDER
from scripts.orchestrate.assets import BATCHES, WarehouseAssets
from scripts.orchestrate.places import Places
from scripts.orchestrate.project import Manifest, current_manifest, instance_folder
from scripts.orchestrate.sensors import every_night, new_batches


def definitions(manifest: Manifest, contracts: Contracts) -> dg.Definitions:
    """Assets, checks, jobs, sensors and resources of the warehouse."""
    assets = WarehouseAssets(manifest, contracts)
    batch = dg.define_asset_job(
        "batch",
        selection=dg.AssetSelection.all(),
        partitions_def=BATCHES,
        description="One batch: load, build, validate, publish.",
    )
    return dg.Definitions(
        assets=[assets.feeds, assets.tables],
        jobs=[batch, assets.every_batch],
        sensors=[new_batches(batch, contracts)],
        schedules=[every_night(assets.every_batch)],
        resources={"places": Places.from_environment()},
        # One process for a run: dbt starts once, and ends with it.
        executor=dg.in_process_executor,
    )


defs = definitions(current_manifest(instance_folder()), read_contracts(CONTRACTS_FOLDER))
