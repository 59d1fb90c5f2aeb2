"""The customer system, day by day: Customer.txt and Account.txt, full images of what changed. `crm_history` writes the history."""

from typing import Any

import numpy as np

from brokerage_sources.generate import calendar
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import assemble, dates, integers, table
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
    digit,
    email,
    line_1,
    line_2,
    phone_cells,
    pick,
    tax_number,
    zip_code,
)
from brokerage_sources.generate.crm_history import count_customer_errors
from brokerage_sources.generate.crm_plan import crm_plan, lost_to_same_day
from brokerage_sources.generate.crm_values import (
    CAPITALS,
    CITIES,
    COUNTRIES,
    FIRST_NAMES,
    GENDERS,
    LAST_NAMES,
    PHONES,
    STATES,
    TAX_IDS,
    account_images,
    customer_images,
)
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.writing import Workspace

_FLAGS = table(["I|", "U|"])
_STATUS = table(["ACTV", "INAC"])


def write_batches(workspace: Workspace, parameters: Parameters) -> None:
    """Customer.txt and Account.txt of every incremental batch, with audit files."""
    for batch in range(2, parameters.batches + 1):
        _write_batch(workspace, parameters, batch)


def _write_batch(workspace: Workspace, parameters: Parameters, batch: int) -> None:
    plan = crm_plan(parameters)
    actions = plan.of_batch(batch, parameters.sizes)
    _write_customers(workspace, parameters, batch, plan.actions, actions)
    _write_accounts(workspace, parameters, batch, plan.actions, actions)


def _write_customers(
    workspace: Workspace, parameters: Parameters, batch: int, history: Actions, actions: Actions
) -> None:
    sizes = parameters.sizes
    rows = actions[np.isin(actions.kind, [NEW, UPDCUST, INACT])]
    fields = customer_images(parameters, history, rows)
    first_number = sizes.customers_after(sizes.steps) + sizes.steps * (
        sizes.customer_mix.change + sizes.customer_mix.end
    )
    number = first_number + (batch - 2) * sizes.customer_mix.total + np.arange(len(rows))
    phones: list[Any] = []
    for phone in PHONES:
        phones += [part for text in phone_cells(fields, phone).values() for part in (text, b"|")]
    text = assemble([
        _FLAGS.take((rows.kind != NEW).astype(np.int64)), integers(number), b"|", integers(rows.customer), b"|",
        tax_number(fields), b"|", _STATUS.take((rows.kind == INACT).astype(np.int64)), b"|",
        LAST_NAMES.take(fields["last"]), b"|", FIRST_NAMES.take(fields["first"]), b"|",
        pick(CAPITALS, fields["middle"]), b"|", pick(GENDERS, fields["gender"]), b"|", digit(fields["tier"]), b"|",
        dates(fields["birth"]), b"|", line_1(fields), b"|", line_2(fields), b"|", zip_code(fields), b"|",
        CITIES.take(fields["city"]), b"|", STATES.take(fields["state"]), b"|", COUNTRIES.take(fields["country"]), b"|",
        phones, email(fields, 1), b"|", email(fields, 2), b"|", TAX_IDS.take(fields["local_tax"]), b"|",
        TAX_IDS.take(fields["national_tax"]), b"\r\n",
    ])  # fmt: skip
    workspace.write_file(batch, "Customer.txt", text, len(rows))
    tally = Tally(
        {
            f"DimCustomer.C_{ACTIONS[kind]}": int(np.sum(rows.kind == kind))
            for kind in (NEW, UPDCUST)
        }
    )
    tally["DimCustomer.C_ID_HIST"] = lost_to_same_day(rows.customer, rows.time)
    tally["DimCustomer.C_INACT"] = int(np.sum(rows.kind == INACT))
    tally.update(Tally.of("DimCustomer.C_DOB_TO", "DimCustomer.C_DOB_TY", "DimCustomer.C_TIER_INV"))
    count_customer_errors(fields, calendar.batch_day(batch), tally)
    write_audit(workspace, batch, "Customer", tally)


def _write_accounts(
    workspace: Workspace, parameters: Parameters, batch: int, history: Actions, actions: Actions
) -> None:
    sizes = parameters.sizes
    rows = actions[np.isin(actions.kind, [NEW, ADDACCT, UPDACCT, CLOSEACCT])]
    fields = account_images(parameters, history, rows)
    first_number = sizes.accounts_after(sizes.steps) + sizes.steps * (
        sizes.account_mix.change + sizes.account_mix.end
    )
    number = first_number + (batch - 2) * sizes.account_mix.total + np.arange(len(rows))
    text = assemble([
        _FLAGS.take(np.isin(rows.kind, [UPDACCT, CLOSEACCT]).astype(np.int64)), integers(number), b"|",
        integers(rows.account), b"|", integers(fields["broker"]), b"|", integers(rows.customer), b"|",
        account_name(parameters, fields["name"]), b"|", digit(fields["tax_status"]), b"|",
        _STATUS.take((rows.kind == CLOSEACCT).astype(np.int64)), b"\r\n",
    ])  # fmt: skip
    workspace.write_file(batch, "Account.txt", text, len(rows))
    opened = np.isin(rows.kind, [NEW, ADDACCT])
    tally = Tally(
        {
            "DimAccount.CA_ADDACCT": int(np.sum(opened)),
            "DimAccount.CA_CLOSEACCT": int(np.sum(rows.kind == CLOSEACCT)),
            "DimAccount.CA_UPDACCT": int(np.sum(rows.kind == UPDACCT)),
            "DimAccount.CA_ID_HIST": lost_to_same_day(rows.account, rows.time),
        }
    )
    write_audit(workspace, batch, "Account", tally)
