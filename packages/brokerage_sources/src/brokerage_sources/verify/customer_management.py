"""Read `CustomerMgmt.xml` into a table of text columns that keeps absent and empty apart.

One row per `Action`, in file order. Columns carry the names that Customer.txt and Account.txt use
for the same thing. SQL NULL means that the element or attribute is not there; the empty string
means it is there without content.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from lxml import etree

ACTION = "{http://www.tpc.org/tpc-di}Action"

_CUSTOMER_ATTRIBUTES = {
    "C_ID": "c_id",
    "C_TAX_ID": "c_tax_id",
    "C_GNDR": "c_gndr",
    "C_TIER": "c_tier",
    "C_DOB": "c_dob",
}
_CUSTOMER_LEAVES = {
    "Name/C_L_NAME": "c_l_name",
    "Name/C_F_NAME": "c_f_name",
    "Name/C_M_NAME": "c_m_name",
    "Address/C_ADLINE1": "c_adline1",
    "Address/C_ADLINE2": "c_adline2",
    "Address/C_ZIPCODE": "c_zipcode",
    "Address/C_CITY": "c_city",
    "Address/C_STATE_PROV": "c_state_prov",
    "Address/C_CTRY": "c_ctry",
    "ContactInfo/C_PRIM_EMAIL": "c_email_1",
    "ContactInfo/C_ALT_EMAIL": "c_email_2",
    "TaxInfo/C_LCL_TX_ID": "c_lcl_tx_id",
    "TaxInfo/C_NAT_TX_ID": "c_nat_tx_id",
} | {
    f"ContactInfo/C_PHONE_{number}/{part}": f"{column}_{number}"
    for number in (1, 2, 3)
    for part, column in (
        ("C_CTRY_CODE", "c_ctry"),
        ("C_AREA_CODE", "c_area"),
        ("C_LOCAL", "c_local"),
        ("C_EXT", "c_ext"),
    )
}
_ACCOUNT_ATTRIBUTES = {"CA_ID": "ca_id", "CA_TAX_ST": "ca_tax_st"}
_ACCOUNT_LEAVES = {"CA_B_ID": "ca_b_id", "CA_NAME": "ca_name"}
_CHILDREN = ("Name", "Address", "ContactInfo", "TaxInfo", "Account")

TEXT_COLUMNS = (
    "action_type",
    "action_ts",
    *_CUSTOMER_ATTRIBUTES.values(),
    *_CUSTOMER_LEAVES.values(),
    *_ACCOUNT_ATTRIBUTES.values(),
    *_ACCOUNT_LEAVES.values(),
)
SCHEMA = pa.schema(
    [pa.field("position", pa.int64())]
    + [pa.field(name, pa.string()) for name in TEXT_COLUMNS]
    + [pa.field(f"{child.lower()}_count", pa.int32()) for child in _CHILDREN]
    + [pa.field("unknown_parts", pa.string())]
)
_ROWS_PER_TABLE = 20_000

Row = dict[str, str | int | None]


def load_customer_actions(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Fill the table `customer_actions` from `file`, a bounded number of actions at a time.

    Raises `lxml.etree.XMLSyntaxError` when the document is not well formed.
    """
    connection.register("action_part", SCHEMA.empty_table())
    connection.execute("create table customer_actions as from action_part")
    part: list[Row] = []
    for row in _read_actions(file):
        part.append(row)
        if len(part) == _ROWS_PER_TABLE:
            _append(connection, part)
            part = []
    _append(connection, part)
    connection.unregister("action_part")
    _give_types(connection)


def _append(connection: duckdb.DuckDBPyConnection, part: list[Row]) -> None:
    connection.register("action_part", pa.Table.from_pylist(part, schema=SCHEMA))
    connection.execute("insert into customer_actions from action_part")


def _give_types(connection: duckdb.DuckDBPyConnection) -> None:
    """Cast what is never empty; fields that an update may empty stay text."""
    for column, data_type in (
        ("action_ts", "timestamp"),
        ("c_id", "bigint"),
        ("c_dob", "date"),
        ("ca_id", "bigint"),
        ("ca_b_id", "bigint"),
    ):
        connection.execute(f"alter table customer_actions alter {column} type {data_type}")


def _read_actions(file: Path) -> Iterator[Row]:
    """Yield one row per action; elements are freed as soon as they are read."""
    for position, (_, action) in enumerate(etree.iterparse(str(file), tag=ACTION)):
        yield _action_row(position, action)
        action.clear()
        while action.getprevious() is not None:
            del action.getparent()[0]


def _action_row(position: int, action: etree._Element) -> Row:
    row: Row = {"position": position, "action_type": action.get("ActionType")}
    row["action_ts"] = action.get("ActionTS")
    customer = action.find("Customer")
    if customer is None:
        return row | {"unknown_parts": "no Customer element"}
    unknown = _take_attributes(customer, _CUSTOMER_ATTRIBUTES, row)
    for child in _CHILDREN:
        row[f"{child.lower()}_count"] = len(customer.findall(child))
    for element in customer:
        if element.tag == "Account":
            unknown += _take_attributes(element, _ACCOUNT_ATTRIBUTES, row)
            unknown += _take_leaves(element, "", _ACCOUNT_LEAVES, row)
        else:
            unknown += _take_leaves(element, f"{element.tag}/", _CUSTOMER_LEAVES, row)
    row["unknown_parts"] = ", ".join(unknown) or None
    return row


def _take_attributes(element: etree._Element, columns: dict[str, str], row: Row) -> list[str]:
    """Copy known attributes into the row and return the names of the others."""
    unknown = []
    for name, value in element.attrib.items():
        if name in columns:
            row[columns[str(name)]] = str(value)
        else:
            unknown.append(f"@{name!s}")
    return unknown


def _take_leaves(
    element: etree._Element, path: str, columns: dict[str, str], row: Row
) -> list[str]:
    """Copy known leaves below `element` into the row and return the paths of the others."""
    unknown = []
    for child in element:
        child_path = f"{path}{child.tag}"
        if child_path in columns:
            row[columns[child_path]] = child.text or ""
        elif len(child):
            unknown += _take_leaves(child, f"{child_path}/", columns, row)
        else:
            unknown.append(child_path)
    return unknown
