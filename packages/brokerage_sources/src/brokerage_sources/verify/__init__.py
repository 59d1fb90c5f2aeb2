"""Independent check of a folder of brokerage source files, in SQL on the files alone.

    from scripts.verify_sources import verify
    failures = [result for result in verify(Path("data/sources")) if not result.ok]

It shares no code with what generates the files, loads them or builds the warehouse, so an error
there is not repeated here. Command line: `python -m scripts.verify_sources --help`.
"""

from scripts.verify_sources.check import Result
from scripts.verify_sources.reading import SourceFolderError
from scripts.verify_sources.verification import verify

__all__ = ["Result", "SourceFolderError", "verify"]
