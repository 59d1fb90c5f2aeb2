"""Independent verification of a folder of brokerage source files, in SQL, from the files alone.

    from brokerage_sources.verify import verify
    failures = [result for result in verify(Path("data/sources")) if not result.ok]

It shares no code with what generates the files, loads them or builds a warehouse, so that an error
there is not repeated here. Command line: `python -m brokerage_sources.verify --help`.
"""

from brokerage_sources.verify.check import Result
from brokerage_sources.verify.reading import SourceFolderError
from brokerage_sources.verify.verification import verify

__all__ = ["Result", "SourceFolderError", "verify"]
