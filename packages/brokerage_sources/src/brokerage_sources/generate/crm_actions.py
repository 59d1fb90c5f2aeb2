"""The actions of the customer system: their kinds, and columns of many of them."""

from dataclasses import dataclass

import numpy as np

from brokerage_sources.generate.draws import Integers

NEW, ADDACCT, UPDCUST, INACT, UPDACCT, CLOSEACCT = range(6)
ACTIONS = ["NEW", "ADDACCT", "UPDCUST", "INACT", "UPDACCT", "CLOSEACCT"]
NOBODY = -1


@dataclass(frozen=True)
class Actions:
    """Actions in file order, one element each.

    Attributes:
        kind: index into `ACTIONS`.
        time: seconds since 1970-01-01, ascending.
        customer: the customer, for account actions the owner.
        account: the account, `NOBODY` for UPDCUST and INACT.
        ordinal: number of this action among all of its kind, in time: the row number of its random values.
        step: the step it belongs to.
    """

    kind: Integers
    time: Integers
    customer: Integers
    account: Integers
    ordinal: Integers
    step: Integers

    def __getitem__(self, chosen: "slice | np.ndarray") -> "Actions":
        return Actions(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.kind)
