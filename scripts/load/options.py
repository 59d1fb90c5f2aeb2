"""Options that the loader and the replay of batches share.

Usage:
    def main(sources: SourcesOption = DEFAULTS["SOURCES"], allow_empty: AllowEmptyOption = False) -> None:
"""

from typing import Annotated

import typer

SourcesOption = Annotated[
    str, typer.Option(envvar="SOURCES", help="Folder with Batch1, Batch2, ...; path or URI.")
]
LakeOption = Annotated[
    str, typer.Option(envvar="LAKE", help="Where the Parquet files go; path or URI.")
]
AllowRepeatedOption = Annotated[
    bool,
    typer.Option("--allow-repeated", help="Land files and changes again that landed before."),
]
AllowEmptyOption = Annotated[
    bool, typer.Option("--allow-empty", help="Accept files without a record.")
]
