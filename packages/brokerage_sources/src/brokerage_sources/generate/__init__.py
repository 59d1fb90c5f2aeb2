"""Synthetic source data of a retail brokerage, at any scale: the source systems' files, ready to be loaded.

    python -m brokerage_sources.generate --scale-factor 0.1 --output data/sources

or from Python:

    from brokerage_sources.generate import Parameters, generate
    dataset = generate(Parameters(scale_factor=0.1, seed=7), "data/sources", workers=2)

Design: every value is a pure function of (seed, column, row) (`draws`), rendered from tables of text (`cells`), written
and hashed once (`writing`), counted for the audit files on the way (`audit`). `parameters` decides how many, `calendar` when,
`crm_plan` and `finwire_plan` who. One module per source system: `reference`, `hr`, `finwire`, `crm` (with `crm_values`,
`crm_cells` and `crm_history`), `prospect`, `trades`, `watches`, `market`, and `control` for the batch dates. `run` puts them together.
"""

from brokerage_sources.generate.parameters import HardCaseOptions, ParameterError, Parameters
from brokerage_sources.generate.run import Dataset, generate
from brokerage_sources.generate.writing import FileReport, OutputError

__all__ = [
    "Dataset",
    "FileReport",
    "HardCaseOptions",
    "OutputError",
    "ParameterError",
    "Parameters",
    "generate",
]
