"""Control files: the date of each batch, the window each batch covers, and the parameters of the run."""

from datetime import date, timedelta

from brokerage_sources.generate import calendar
from brokerage_sources.generate.audit import write_rows
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.reference import FIRST_DATE
from brokerage_sources.generate.writing import Workspace


def write_dates(workspace: Workspace, parameters: Parameters) -> None:
    """BatchDate.txt of every batch."""
    for batch in range(1, parameters.batches + 1):
        workspace.write_file(batch, "BatchDate.txt", f"{_date_of(batch)}\r\n".encode(), 1)


def write_root(workspace: Workspace, parameters: Parameters) -> None:
    """Batch<n>_audit.csv and Generator_audit.csv."""
    for batch in range(1, parameters.batches + 1):
        day = _date_of(batch)
        first = str(FIRST_DATE) if batch == 1 else day
        window = [f"Batch,{batch},{first},FirstDay,,", f"Batch,{batch},{day},LastDay,,"]
        write_rows(workspace, 0, f"Batch{batch}_audit.csv", window)
    write_rows(workspace, 0, "Generator_audit.csv", _generator_rows(parameters))


def _date_of(batch: int) -> str:
    return str(date(1970, 1, 1) + timedelta(calendar.batch_day(batch)))


def _generator_rows(parameters: Parameters) -> list[str]:
    """The parameters as DValue; informational, no check reads them."""
    sizes, hard_cases = parameters.sizes, parameters.hard_cases
    values = {
        "SF": float(parameters.scale_factor) * 1000,
        "Seed": parameters.seed,
        "NUMBER_OF_INCREMENTAL_BATCHES": parameters.incremental_batches,
        "HREmployees": sizes.employees,
        "CMSteps": sizes.steps,
        "CMFirstCustomers": sizes.first_customers,
        "CMActionsPerStep": sizes.actions_per_step,
        "FWCompanyRecords": sizes.companies.records,
        "FWSecurityRecords": sizes.securities.records,
        "PProspects": sizes.prospects,
        "TTradesPerDay": sizes.trades_per_day,
        "WHRowsPerStep": sizes.watches_per_step,
        "KnobSameDayEvery": hard_cases.same_day_every,
        "KnobErrorFloor": hard_cases.error_floor,
        "KnobIncrementalErrors": hard_cases.incremental_errors,
        "KnobSameBatchTradePercent": hard_cases.same_batch_trade_percent,
        "KnobSameQuarterIssuePercent": hard_cases.same_quarter_issue_percent,
        "KnobInactivatedOwnerChange": hard_cases.inactivated_owner_change,
    }
    return [f"Generator,1,,{name},,{float(value)}" for name, value in values.items()]
