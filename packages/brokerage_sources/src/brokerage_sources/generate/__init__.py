"""Synthetic source data of a retail brokerage, at any scale: the source systems' files, ready to be loaded.

    python -m scripts.generate --scale-factor 0.1 --output data/sources

or from Python:

    from scripts.generate import Parameters, generate
    world = generate(Parameters(scale_factor=0.1, seed=7), "data/sources", workers=2)

How it is built: every value is a pure function of (seed, column, row) (`draws`), rendered from tables of text (`cells`), written
and hashed once (`writing`), counted for the audit files on the way (`audit`). `parameters` says how many, `calendar` says when,
`crm_plan` and `finwire_plan` say who. One module per source system: `reference`, `hr`, `finwire`, `crm` (with `crm_values`,
`crm_cells` and `crm_history`), `prospect`, `trades`, `watches`, `market`, and `control` for the batch dates. `run` puts them together.
"""

from scripts.generate.parameters import Knobs, ParameterError, Parameters
from scripts.generate.run import World, generate
from scripts.generate.writing import FileReport, OutputError

__all__ = [
    "FileReport",
    "Knobs",
    "OutputError",
    "ParameterError",
    "Parameters",
    "World",
    "generate",
]
