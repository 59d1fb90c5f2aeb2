"""What alerts leave out, because they are sent to others: values that messages quote, and arguments of commands.

Usage:
    without_values("last_name has 42 characters: 'Wolfeschlegelsteinhausen'")       "last_name has 42 characters: '...'"
    program_of("/usr/bin/python -m scripts.load --sources s3://key@bucket")         "python -m scripts.load"
"""

import re
from pathlib import PurePath

# What engines and the loader put around a value: quotes, and the parentheses of `Key (tax_id)=(123)`.
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<==)\([^)]*\)""")


def without_values(message: str | None) -> str:
    """A message without the values that it quotes; the place where it was found has them."""
    return _QUOTED.sub(lambda found: f"{found[0][0]}...{found[0][-1]}", message or "")


def program_of(command: str) -> str:
    """The program of a command line, with its module if it is one of Python; no other argument."""
    first, *others = command.split() or [""]
    program = PurePath(first).name
    return f"{program} -m {others[1]}" if others[:1] == ["-m"] and len(others) > 1 else program
