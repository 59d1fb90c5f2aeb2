"""CustomerMgmt.xml: the history of the customer system as a stream of partial updates.

An absent element keeps its value, an empty one clears it. Each element is three cells (opening tag, text, closing tag), of which an
absent element leaves all empty and an empty one the text. Each kind of action is rendered by itself, a chunk at a time, and the rows
are put in order of time.
"""

from typing import Any

import numpy as np

from brokerage_sources.generate import calendar
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import (
    Cell,
    chunks,
    dates,
    integers,
    joined,
    only,
    rows_of,
    timestamps,
)
from brokerage_sources.generate.crm_actions import (
    ACTIONS,
    ADDACCT,
    CLOSEACCT,
    INACT,
    NEW,
    UPDACCT,
    UPDCUST,
    Actions,
)
from brokerage_sources.generate.crm_cells import (
    account_name,
    address_cells,
    digit,
    phone_cells,
    pick,
    tax_number,
)
from brokerage_sources.generate.crm_plan import crm_plan, lost_to_same_day
from brokerage_sources.generate.crm_values import (
    ABSENT,
    CAPITALS,
    FIRST_NAMES,
    GENDERS,
    LAST_NAMES,
    PHONES,
    TAX_IDS,
    Fields,
    account_changes,
    account_fields,
    customer_changes,
    customer_fields,
)
from brokerage_sources.generate.draws import Flags, Integers
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.writing import Workspace

_XML_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\r\n<TPCDI:Actions xmlns:TPCDI="http://www.tpc.org/tpc-di">\r\n'
_XML_TAIL = b"</TPCDI:Actions>"
_CONTACT = ("email_1", "email_2")


def _line(depth: int, text: str) -> bytes:
    return b"\t" * depth + text.encode() + b"\r\n"


def _element(depth: int, tag: str, text: Cell, present: Flags | None = None) -> list[Any]:
    """An element on its own line: `<TAG>text</TAG>`, `<TAG/>` if the text is empty, nothing if absent."""
    filled = text != b""
    if present is None:
        present = np.ones(len(text), dtype=bool)
    indent = b"\t" * depth
    opening = np.where(filled, indent + f"<{tag}>".encode(), indent + f"<{tag}/>".encode())
    closing = np.where(filled, f"</{tag}>\r\n".encode(), b"\r\n")
    return [only(present, opening), only(present, text), only(present, closing)]


def _attribute(name: str, text: Cell, present: Flags) -> list[Any]:
    return [
        only(present, np.full(len(text), f' {name}="'.encode())),
        only(present, text),
        only(present, np.full(len(text), b'"')),
    ]


def _action_head(actions: Actions, kind: int) -> list[Any]:
    head = f'\t<TPCDI:Action ActionType="{ACTIONS[kind]}" ActionTS="'.encode()
    return [
        head,
        timestamps(actions.time, b"T"),
        b'">\r\n\t\t<Customer C_ID="',
        integers(actions.customer),
        b'"',
    ]


_ACTION_TAIL = _line(2, "</Customer>") + _line(1, "</TPCDI:Action>")


def _contact_elements(
    fields: Fields, cells: dict[str, tuple[str, Cell]], present: dict[str, Flags]
) -> list[Any]:
    parts: list[Any] = [_line(3, "<ContactInfo>")]
    for group in _CONTACT:
        tag, text = cells[group]
        parts += _element(4, tag, text, present.get(group))
    for phone in PHONES:
        parts.append(_line(4, f"<C_PHONE_{phone}>"))
        for tag, text in phone_cells(fields, phone).items():
            parts += _element(5, tag, text)
        parts.append(_line(4, f"</C_PHONE_{phone}>"))
    return [*parts, _line(3, "</ContactInfo>")]


def _address_elements(cells: dict[str, tuple[str, Cell]], present: dict[str, Flags]) -> list[Any]:
    """The address; without any part of it the element is absent as well."""
    groups = [group for group in cells if group not in _CONTACT]
    rows = len(cells["city"][1])
    some = (
        np.logical_or.reduce([present[group] for group in groups])
        if present
        else np.ones(rows, dtype=bool)
    )
    parts: list[Any] = [only(some, np.full(rows, _line(3, "<Address>")))]
    for group in groups:
        parts += _element(4, *cells[group], present.get(group))
    return [*parts, only(some, np.full(rows, _line(3, "</Address>")))]


def _new_account(parameters: Parameters, account: Integers) -> list[Any]:
    fields = account_fields(parameters, account)
    return [
        b'\t\t\t<Account CA_ID="',
        integers(account),
        b'" CA_TAX_ST="',
        digit(fields["tax_status"]),
        b'">\r\n',
        _element(4, "CA_B_ID", joined(integers(fields["broker"]))),
        _element(4, "CA_NAME", account_name(parameters, fields["name"])),
        _line(3, "</Account>"),
    ]


def _new_rows(parameters: Parameters, actions: Actions, tally: Tally) -> list[bytes]:
    fields = customer_fields(parameters, actions.customer)
    count_customer_errors(fields, calendar.FIRST_BATCH_DAY, tally)
    cells = address_cells(fields)
    always = np.ones(len(actions), dtype=bool)
    middle = pick(CAPITALS, fields["middle"])
    return rows_of([
        _action_head(actions, NEW),
        _attribute("C_TAX_ID", tax_number(fields), always),
        _attribute("C_GNDR", pick(GENDERS, fields["gender"]), fields["gender"] != ABSENT),
        _attribute("C_TIER", digit(fields["tier"]), fields["tier"] != ABSENT),
        _attribute("C_DOB", dates(fields["birth"]), always), b">\r\n",
        _line(3, "<Name>"), _element(4, "C_L_NAME", LAST_NAMES.take(fields["last"])),
        _element(4, "C_F_NAME", FIRST_NAMES.take(fields["first"])), _element(4, "C_M_NAME", middle),
        _line(3, "</Name>"),
        _address_elements(cells, {}), _contact_elements(fields, cells, {}),
        _line(3, "<TaxInfo>"), _element(4, "C_LCL_TX_ID", TAX_IDS.take(fields["local_tax"])),
        _element(4, "C_NAT_TX_ID", TAX_IDS.take(fields["national_tax"])), _line(3, "</TaxInfo>"),
        _new_account(parameters, actions.account), _ACTION_TAIL,
    ])  # fmt: skip


def _update_rows(parameters: Parameters, actions: Actions) -> list[bytes]:
    fields = customer_fields(parameters, actions.customer)  # the name, for the mail addresses
    values, present = customer_changes(parameters, actions.ordinal)
    fields |= values
    cells = address_cells(fields)
    return rows_of([
        _action_head(actions, UPDCUST), _attribute("C_TIER", digit(fields["tier"]), present["tier"]), b">\r\n",
        _address_elements(cells, present), _contact_elements(fields, cells, present), _ACTION_TAIL,
    ])  # fmt: skip


def _account_update_rows(parameters: Parameters, actions: Actions) -> list[bytes]:
    values, present = account_changes(parameters, actions.ordinal)
    return rows_of([
        _action_head(actions, UPDACCT), b'>\r\n\t\t\t<Account CA_ID="', integers(actions.account), b'"',
        _attribute("CA_TAX_ST", digit(values["tax_status"]), present["tax_status"]), b">\r\n",
        _element(4, "CA_B_ID", joined(integers(values["broker"])), present["broker"]),
        _element(4, "CA_NAME", account_name(parameters, values["name"]), present["name"]),
        _line(3, "</Account>"), _ACTION_TAIL,
    ])  # fmt: skip


def _rows_of_kind(parameters: Parameters, kind: int, actions: Actions, tally: Tally) -> list[bytes]:
    if kind == NEW:
        return _new_rows(parameters, actions, tally)
    if kind == UPDCUST:
        return _update_rows(parameters, actions)
    if kind == UPDACCT:
        return _account_update_rows(parameters, actions)
    if kind == ADDACCT:
        return rows_of(
            [
                _action_head(actions, kind),
                b">\r\n",
                _new_account(parameters, actions.account),
                _ACTION_TAIL,
            ]
        )
    if kind == CLOSEACCT:
        account = [b'\t\t\t<Account CA_ID="', integers(actions.account), b'"/>\r\n']
        return rows_of([_action_head(actions, kind), b">\r\n", account, _ACTION_TAIL])
    return rows_of([_action_head(actions, kind), b">\r\n", _ACTION_TAIL])


def write_history(workspace: Workspace, parameters: Parameters) -> None:
    """CustomerMgmt.xml and its audit file."""
    actions = crm_plan(parameters).of_batch(1, parameters.sizes)
    tally = Tally.of(
        "DimAccount.CA_ADDACCT", "DimAccount.CA_CLOSEACCT", "DimAccount.CA_UPDACCT", "DimAccount.CA_ID_HIST",
        "DimCustomer.C_NEW", "DimCustomer.C_UPDCUST", "DimCustomer.C_ID_HIST", "DimCustomer.C_INACT",
        "DimCustomer.C_DOB_TO", "DimCustomer.C_DOB_TY", "DimCustomer.C_TIER_INV",
    )  # fmt: skip
    with workspace.file(1, "CustomerMgmt.xml") as file:
        file.write(_XML_HEAD, 0)
        for chosen in chunks(0, len(actions), 4096):
            part = actions[chosen]
            rows = np.empty(len(part), dtype=object)
            for kind in range(len(ACTIONS)):
                where = np.flatnonzero(part.kind == kind)
                if len(where):
                    rows[where] = _rows_of_kind(parameters, kind, part[where], tally)
                    _count_action(kind, len(where), tally)
            file.write(b"".join(rows), len(rows))
        file.write(_XML_TAIL, 0)
    on_customer = actions[np.isin(actions.kind, [NEW, UPDCUST, INACT])]
    on_account = actions[np.isin(actions.kind, [NEW, ADDACCT, UPDACCT, CLOSEACCT])]
    tally["DimCustomer.C_ID_HIST"] = lost_to_same_day(on_customer.customer, on_customer.time)
    tally["DimAccount.CA_ID_HIST"] = lost_to_same_day(on_account.account, on_account.time)
    write_audit(workspace, 1, "CustomerMgmt", tally)


def _count_action(kind: int, count: int, tally: Tally) -> None:
    data_set = "DimCustomer.C" if kind in (NEW, UPDCUST, INACT) else "DimAccount.CA"
    tally[f"{data_set}_{ACTIONS[kind]}"] += count


def count_customer_errors(fields: Fields, batch_day: int, tally: Tally) -> None:
    """Add customers born too early or too late on a day, and those without a valid tier, to the counters."""
    tally["DimCustomer.C_DOB_TO"] += int(
        np.sum(fields["birth"] < batch_day - calendar.HUNDRED_YEARS)
    )
    tally["DimCustomer.C_DOB_TY"] += int(np.sum(fields["birth"] > batch_day))
    tally["DimCustomer.C_TIER_INV"] += int(np.sum((fields["tier"] < 1) | (fields["tier"] > 3)))
