"""What Dagster loads: `-m scripts.orchestrate.location`. The project is parsed again if it has changed."""

from scripts.load.contracts import read_contracts
from scripts.load.run import CONTRACTS_FOLDER
from scripts.orchestrate.definitions import definitions
from scripts.orchestrate.project import current_manifest, instance_folder

defs = definitions(current_manifest(instance_folder()), read_contracts(CONTRACTS_FOLDER))
