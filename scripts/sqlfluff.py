"""sqlfluff, with a garbage collector that seldom looks: the trees of a file live until it is linted, and looking at them again and again took a third of the time.

Usage:
    python -m scripts.sqlfluff lint models        the options are those of sqlfluff
"""

import gc

from sqlfluff.cli.commands import cli

# Objects that are made before the collector looks at them, and how often it looks at those that it has kept.
THRESHOLDS = (100_000, 50, 1_000)

if __name__ == "__main__":
    gc.set_threshold(*THRESHOLDS)
    cli(prog_name="sqlfluff")
