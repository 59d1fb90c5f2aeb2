"""The option of the programs that publish as their last step."""

from typing import Annotated

import typer

NoPublishOption = Annotated[
    bool, typer.Option("--no-publish", help="Do not publish: readers keep what they have.")
]
