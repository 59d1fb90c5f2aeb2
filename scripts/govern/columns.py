"""The name of a column, in a module that needs no parser of SQL: the loader reads the register, too.

Usage:
    Column("crm.customer_mgmt", "c_tax_id")
"""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Column:
    """A column of a feed (`crm.customer_mgmt`) or of a table (`marts.dim_customer`)."""

    relation: str
    name: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"
