"""Audit files: what a correct warehouse must find, counted from the rows that were written.

Every value is a sum of counters over the arrays that were rendered, never a formula of the sizes. The definitions are those
of the published workload, except where its own tool is known to count wrongly:

- `C_DOB_TO`, `C_DOB_TY` of an incremental batch compare with *that batch's date*. (The published tool compares with a date
  about 430 days later, so that a correct warehouse fails its age check at some scales.)
- `C_ID_HIST` and `CA_ID_HIST` are counted. They count the actions that leave no version of their own, because a later action on
  the same customer (NEW, UPDCUST, INACT) or on the same account (NEW, ADDACCT, UPDACCT, CLOSEACCT) follows on the same day.
  (Published: the constants 0 and -1.)
- `FW_*_DUP` are the true 0. (Published: -1, "not computed".)

`C_TIER_INV` keeps its published meaning: in batch 1 the NEW actions whose tier is missing or not 1, 2 or 3, UPDCUST never
counts; in later batches every row of Customer.txt with such a tier.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from brokerage_sources.generate.writing import Workspace

HEADER = "DataSet, BatchID ,Date , Attribute , Value, DValue"


class Tally(Counter[str]):
    """Counters of one audit file by `DataSet.attribute`, added up while rows are rendered."""

    @classmethod
    def of(cls, *names: str) -> "Tally":
        """Counters that appear in the file even when they stay 0, in this order."""
        return cls(dict.fromkeys(names, 0))


def write_audit(workspace: Workspace, batch: int, name: str, tally: Mapping[str, int]) -> None:
    """Write `<name>_audit.csv` of a batch; an empty tally gives the header alone."""
    rows = []
    for key, value in tally.items():
        data_set, attribute = key.split(".")
        rows.append(f"{data_set},{batch},,{attribute},{int(value)},")
    write_rows(workspace, batch, f"{name}_audit.csv", rows)


def write_rows(workspace: Workspace, folder: int, file_name: str, rows: Iterable[str]) -> None:
    """Write an audit file from rendered rows; folder 0 is the root."""
    lines = [HEADER, *rows]
    workspace.write_file(
        folder, file_name, "".join(f"{line}\r\n" for line in lines).encode(), len(lines) - 1
    )
