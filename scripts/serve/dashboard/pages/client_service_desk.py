"""One client at a glance: who it is, accounts, cash, holdings, trades."""

from collections.abc import Iterable

import streamlit as st

from scripts.serve.dashboard import filters, formats
from scripts.serve.dashboard.data import Data, Row
from scripts.serve.dashboard.layout import Figure, hidden_note, key_figures, table

_VIEWS = {
    "Accounts": "client_service_desk/accounts",
    "Positions": "client_service_desk/positions",
    "Trades": "client_service_desk/trades",
}


def show(data: Data) -> None:
    """Show the page."""
    with filters.filter_bar():
        customer = filters.number("customer", "Customer number")
    if customer is None:
        st.subheader("Customers with most assets")
        st.caption("Type a number, or select a row.")
        table(
            data, "client_service_desk/customers", on_row=_show_customer, empty="No customers yet."
        )
        return
    found = data.row("client_service_desk/customer", customer_id=customer)
    if found is None:
        st.info(f"There is no customer {customer}.", icon=":material/search_off:")
        return
    _who(data, found)
    key_figures(
        [
            Figure(
                "Cash and holdings",
                formats.short(found["total_amount"]),
                _exact(found, "total_amount"),
            ),
            Figure("Cash", formats.short(found["cash_amount"]), _exact(found, "cash_amount")),
            Figure("Holdings", formats.short(found["holdings_amount"]), _holdings_note(found)),
            Figure(
                "Accounts",
                formats.full(found["account_count"]),
                f"{formats.full(found['active_account_count'])} of them are active.",
            ),
            Figure("Open trades", formats.full(found["open_trade_count"])),
            Figure(
                "Completed trades",
                formats.full(found["completed_trade_count"]),
                f"The last trade was placed on {formats.day(found['last_trade_on'])}.",
            ),
        ]
    )
    view = filters.view("rows", "Rows", list(_VIEWS))
    table(
        data,
        _VIEWS[view],
        values={"customer_id": customer},
        empty=f"This customer has no {view.lower()}.",
    )


def _who(data: Data, found: Row) -> None:
    name = _joined((found["first_name"], found["last_name"]), " ")
    st.subheader(f"Customer {found['customer_id']}")
    place = _joined(
        (
            found["address_line1"],
            found["address_line2"],
            _joined((found["postal_code"], found["city"]), " "),
            found["state_prov"],
            found["country"],
        ),
        ", ",
    )
    status = f"{found['status']}, tier {found['tier'] or formats.NOTHING}"
    reached = _joined((found["phone1"], found["email1"]), ", ")
    st.text(_joined((name, status, place, reached), "\n"))
    hidden_note(data, "client_service_desk/customer")


def _exact(found: Row, column: str) -> str:
    return f"{formats.full(found[column])} currency"


def _holdings_note(found: Row) -> str:
    note = (
        f"{_exact(found, 'holdings_amount')} in {formats.full(found['position_count'])} positions"
    )
    if unpriced := found["unpriced_position_count"]:
        note += f", {formats.full(unpriced)} of them without a price, which add nothing"
    return note


def _joined(parts: Iterable[str | None], between: str) -> str:
    return between.join(part for part in parts if part)


def _show_customer(row: Row) -> None:
    filters.use(customer=row["customer_id"])
