"""Options of the programs that publish, or look at what is published."""

from pathlib import Path
from typing import Annotated

import typer

NoPublishOption = Annotated[
    bool, typer.Option("--no-publish", help="Do not publish: readers keep what they have.")
]
PublishedOption = Annotated[
    Path | None,
    typer.Option(
        envvar="PUBLISHED",
        help="Folder of the published versions; by default `published` beside the warehouse.",
    ),
]
