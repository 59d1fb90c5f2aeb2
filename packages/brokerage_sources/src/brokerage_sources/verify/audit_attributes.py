"""Recompute every attribute of the `*_audit.csv` files from the data files and compare.

Two conventions exist. The official generator never computes some attributes and writes a constant
instead, and takes the ages of later batches at a wrong date; its folders are recognized by `CA_ID_HIST =
-1` in every file, which no count can be. Any other folder is compared with the true numbers.
`Generator` rows are information about the run and not compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from brokerage_sources.verify.check import Check, NoRows, Result
from brokerage_sources.verify.sql_file import read_checks


@dataclass(frozen=True)
class Attribute:
    """One audit attribute and its definition.

    `file` is the data file (without extension) that the attribute is about, or `FINWIRE` for each
    of the quarterly files. `sql` counts by `batch_id` (by `name`, the file's name, for FINWIRE);
    what it leaves out counts 0. `official_sql` is given where the official generator writes
    something else than the definition says.
    """

    file: str
    data_set: str
    attribute: str
    definition: str
    sql: str
    official_sql: str | None = None

    @property
    def name(self) -> str:
        """The name of the check in a report."""
        return f"audit.{self.file}.{self.attribute}"

    @property
    def claim(self) -> str:
        """What the audit file must state."""
        return self.definition

    def run(self, connection: duckdb.DuckDBPyConnection) -> list[Result]:
        """One result when all files agree, else one for each file that does not."""
        official = self.official_sql is not None and follows_official_convention(connection)
        sql = self.official_sql if official and self.official_sql else self.sql
        compared = self._compared(connection, sql)
        note = self._note_on_convention(connection) if official else ""
        differences = [
            Result(self.name, self.definition, False, _shown(stated), str(true), file)
            for file, stated, true in compared
            if stated != true
        ]
        if not compared:
            return []
        total = sum(true for _, _, true in compared)
        summary = f"{total} in {len(compared)} files"
        return differences or [Result(self.name, self.definition, True, summary, summary, note)]

    def _compared(
        self, connection: duckdb.DuckDBPyConnection, sql: str
    ) -> list[tuple[str, int | None, int]]:
        """Rows (audit file, value it states, value recomputed), one per data file."""
        key, chosen = ("batch_id", f"s.name = '{self.file}'")
        if self.file == "FINWIRE":
            key, chosen = ("name", "s.name like 'FINWIRE%'")
        return connection.execute(
            f"""
            select s.file || '_audit.csv', any_value(a.value), any_value(coalesce(v.value, 0))
            from source_files s
            left join ({sql}) v on v.{key} = s.{key}
            left join audit a on a.file = s.file and a.dataset = $data_set
                and a.attribute = $attribute
            where {chosen}
            group by s.file order by s.file
            """,
            {"data_set": self.data_set, "attribute": self.attribute},
        ).fetchall()

    def _note_on_convention(self, connection: duckdb.DuckDBPyConnection) -> str:
        true = sum(value for _, _, value in self._compared(connection, self.sql))
        return f"official convention, not the definition; by the definition the sum would be {true}"


def follows_official_convention(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the folder carries the official constants (`CA_ID_HIST = -1` throughout)."""
    row = connection.execute(
        "select count(*) > 0 and bool_and(value = -1) from audit where attribute = 'CA_ID_HIST'"
    ).fetchone()
    return bool(row and row[0])


def _shown(value: int | None) -> str:
    return "no such row" if value is None else str(value)


def _rows(table: str, condition: str = "true") -> str:
    return f"select batch_id, count(*) as value from {table} where {condition} group by batch_id"


def _actions(condition: str) -> str:
    return f"select 1 as batch_id, count(*) as value from customer_actions where {condition}"


def _constant(value: int) -> str:
    return f"select batch_id, {value} as value from batches"


def _records(table: str) -> str:
    return f"select file as name, count(*) as value from {table} group by file"


def _repeats(table: str, key: str) -> str:
    """Records beyond the first of one key and day."""
    return (
        f"select file as name, count(*) - count(distinct ({key}, posted_at::date)) as value "
        f"from {table} group by file"
    )


_EVERY_FINWIRE_FILE_MINUS_ONE = "select name, -1 as value from source_files"

# The official generator computes ages in later batches at the day of the first batch plus the
# number of its last customer update, which it prints among its parameters.
_OFFICIAL_AGE_DATE = """
    (select min(batch_date) from batch_dates)
    + coalesce((select max(parameter) from audit where attribute = 'CMUpdateLastID'), 0)::integer
    + (batch_id - 1)::integer
"""
_BAD_TIER = "coalesce(c_tier, '') not in ('1', '2', '3')"


def _age_attribute(file: str, attribute: str, definition: str, condition: str) -> Attribute:
    """`condition` compares `c_dob` with the date `age_date`."""
    if file == "CustomerMgmt":
        people = "select 1 as batch_id, c_dob from customer_actions where action_type = 'NEW'"
        official = None
    else:
        people = "select batch_id, c_dob from customers"
        official = (
            f"select batch_id, count(*) as value from (select *, {_OFFICIAL_AGE_DATE} as age_date "
            f"from ({people})) where {condition} group by batch_id"
        )
    sql = (
        "select batch_id, count(*) as value from (select p.*, batch_date as age_date "
        f"from ({people}) p join batches using (batch_id)) where {condition} group by batch_id"
    )
    return Attribute(file, "DimCustomer", attribute, definition, sql, official)


_CUSTOMER_MANAGEMENT = [
    Attribute(
        "CustomerMgmt",
        data_set,
        attribute,
        f"{action} actions",
        _actions(f"action_type = '{action}'"),
    )
    for data_set, attribute, action in (
        ("DimCustomer", "C_NEW", "NEW"),
        ("DimCustomer", "C_UPDCUST", "UPDCUST"),
        ("DimCustomer", "C_INACT", "INACT"),
        ("DimAccount", "CA_ADDACCT", "ADDACCT"),
        ("DimAccount", "CA_CLOSEACCT", "CLOSEACCT"),
        ("DimAccount", "CA_UPDACCT", "UPDACCT"),
    )
] + [
    Attribute(
        "CustomerMgmt",
        "DimCustomer",
        "C_TIER_INV",
        "NEW actions whose tier is missing or not 1, 2, 3",
        _actions(f"action_type = 'NEW' and {_BAD_TIER}"),
    ),
    Attribute(
        "CustomerMgmt",
        "DimCustomer",
        "C_ID_HIST",
        "NEW, UPDCUST and INACT actions beyond the first of one customer and day",
        """
        select 1 as batch_id, count(*) - count(distinct (c_id, action_ts::date)) as value
        from customer_actions where action_type in ('NEW', 'UPDCUST', 'INACT')
        """,
        _constant(0),
    ),
    Attribute(
        "CustomerMgmt",
        "DimAccount",
        "CA_ID_HIST",
        "NEW, ADDACCT, UPDACCT and CLOSEACCT actions beyond the first of one account and day",
        """
        select 1 as batch_id, count(*) - count(distinct (ca_id, action_ts::date)) as value
        from customer_actions where action_type in ('NEW', 'ADDACCT', 'UPDACCT', 'CLOSEACCT')
        """,
        _constant(-1),
    ),
]

_CUSTOMER = [
    Attribute("Customer", "DimCustomer", "C_NEW", "inserts", _rows("customers", "cdc_flag = 'I'")),
    Attribute(
        "Customer",
        "DimCustomer",
        "C_UPDCUST",
        "updates that leave the customer active",
        _rows("customers", "cdc_flag = 'U' and c_st_id <> 'INAC'"),
    ),
    Attribute(
        "Customer",
        "DimCustomer",
        "C_INACT",
        "rows with status INAC",
        _rows("customers", "c_st_id = 'INAC'"),
    ),
    Attribute(
        "Customer",
        "DimCustomer",
        "C_TIER_INV",
        "rows whose tier is empty or not 1, 2, 3",
        _rows("customers", _BAD_TIER),
    ),
    Attribute(
        "Customer",
        "DimCustomer",
        "C_ID_HIST",
        "rows beyond the first of one customer",
        """
        select batch_id, count(*) - count(distinct c_id) as value
        from customers group by batch_id
        """,
        _constant(0),
    ),
]

_AGES = [
    _age_attribute(file, attribute, f"{rows} {definition}", condition)
    for file, rows in (("CustomerMgmt", "NEW actions"), ("Customer", "rows"))
    for attribute, definition, condition in (
        (
            "C_DOB_TO",
            "born more than 100 years before the batch date",
            "c_dob < age_date - interval 100 year",
        ),
        ("C_DOB_TY", "born after the batch date", "c_dob > age_date"),
    )
]

_ACCOUNT = [
    Attribute(
        "Account", "DimAccount", "CA_ADDACCT", "inserts", _rows("accounts", "cdc_flag = 'I'")
    ),
    Attribute(
        "Account",
        "DimAccount",
        "CA_CLOSEACCT",
        "updates to status INAC",
        _rows("accounts", "cdc_flag = 'U' and ca_st_id = 'INAC'"),
    ),
    Attribute(
        "Account",
        "DimAccount",
        "CA_UPDACCT",
        "updates that leave the account active",
        _rows("accounts", "cdc_flag = 'U' and ca_st_id = 'ACTV'"),
    ),
    Attribute(
        "Account",
        "DimAccount",
        "CA_ID_HIST",
        "rows beyond the first of one account",
        """
        select batch_id, count(*) - count(distinct ca_id) as value
        from accounts group by batch_id
        """,
        _constant(-1),
    ),
]

_FINWIRE = [
    Attribute("FINWIRE", "DimCompany", "FW_CMP", "CMP records", _records("companies")),
    Attribute("FINWIRE", "DimSecurity", "FW_SEC", "SEC records", _records("securities")),
    Attribute("FINWIRE", "Financial", "FW_FIN", "FIN records", _records("financials")),
    Attribute(
        "FINWIRE",
        "DimCompany",
        "FW_CMP_DUP",
        "CMP records beyond the first of one company and day",
        _repeats("companies", "cik"),
        _EVERY_FINWIRE_FILE_MINUS_ONE,
    ),
    Attribute(
        "FINWIRE",
        "DimSecurity",
        "FW_SEC_DUP",
        "SEC records beyond the first of one symbol and day",
        _repeats("securities", "symbol"),
        _EVERY_FINWIRE_FILE_MINUS_ONE,
    ),
    Attribute(
        "FINWIRE",
        "Financial",
        "FW_FIN_DUP",
        "FIN records beyond the first of one company and day",
        _repeats("financials", "cik"),
        _EVERY_FINWIRE_FILE_MINUS_ONE,
    ),
]

_PROSPECT = [
    Attribute("Prospect", "Prospect", "P_RECORDS", "rows", _rows("prospects")),
    Attribute(
        "Prospect",
        "Prospect",
        "P_NEW",
        "rows whose AgencyID the batch before does not have (all rows of the first batch)",
        """
        select p.batch_id, count(*) as value
        from prospects p
        anti join prospects b on b.agency_id = p.agency_id and b.batch_id = p.batch_id - 1
        group by p.batch_id
        """,
    ),
    Attribute(
        "Prospect",
        "Prospect",
        "P_C_MATCHING",
        "rows with the name, first address line and postal code (in any case) that a customer of "
        "this or an earlier batch had when first announced",
        """
        select p.batch_id, count(*) as value
        from prospects p
        semi join customer_births c
            on c.batch_id <= p.batch_id
            and upper(c.c_l_name) = upper(p.last_name)
            and upper(c.c_f_name) = upper(p.first_name)
            and upper(c.c_adline1) = upper(p.address_line_1)
            and upper(c.c_zipcode) = upper(p.postal_code)
        group by p.batch_id
        """,
    ),
]

_TRADE = [
    Attribute("Trade", "DimTrade", "T_Records", "rows", _rows("trades")),
    Attribute(
        "Trade",
        "DimTrade",
        "T_NEW",
        "rows of the first batch, inserts of the others",
        _rows("trades", "batch_id = 1 or cdc_flag = 'I'"),
    ),
    Attribute(
        "Trade",
        "DimTrade",
        "T_CanceledTrades",
        "rows with status CNCL",
        _rows("trades", "t_st_id = 'CNCL'"),
    ),
    Attribute(
        "Trade",
        "DimTrade",
        "T_InvalidCommision",
        "rows whose commission exceeds price times quantity",
        _rows("trades", "t_comm > t_trade_price * t_qty"),
    ),
    Attribute(
        "Trade",
        "DimTrade",
        "T_InvalidCharge",
        "rows whose fee exceeds price times quantity",
        _rows("trades", "t_chrg > t_trade_price * t_qty"),
    ),
    Attribute("TradeHistory", "DimTradeHistory", "TH_Records", "rows", _rows("trade_history")),
    *(
        Attribute(
            "TradeHistory",
            "DimTradeHistory",
            f"TH_{trade_type}Trades",
            f"history rows of trades of type {trade_type}",
            f"""
            select 1 as batch_id, count(*) as value
            from trade_history h
            join trades t on t.batch_id = 1 and t.t_id = h.th_t_id
            where t.t_tt_id = '{trade_type}'
            """,
        )
        for trade_type in ("TLB", "TLS", "TMB", "TMS")
    ),
    Attribute(
        "TradeHistory",
        "DimTradeHistory",
        "TH_CanceledLTrades",
        "history rows with status CNCL",
        _rows("trade_history", "th_st_id = 'CNCL'"),
    ),
]

_EVENTS = [
    Attribute(
        "CashTransaction", "DimTradeHistory", "CT_Records", "rows", _rows("cash_transactions")
    ),
    Attribute(
        "CashTransaction",
        "DimTradeHistory",
        "CT_Trades",
        "rows, as every cash transaction is a trade's",
        _rows("cash_transactions"),
    ),
    *(
        Attribute(
            "CashTransaction",
            "DimTradeHistory",
            attribute,
            "0, as cash transactions neither open nor change accounts",
            _constant(0),
        )
        for attribute in ("CT_AccountsCreations", "CT_UpdatedAccounts")
    ),
    Attribute("HoldingHistory", "FactHoldings", "HH_RECORDS", "rows", _rows("holding_history")),
    Attribute("DailyMarket", "FactMarketHistory", "DM_RECORDS", "rows", _rows("daily_market")),
    Attribute("WatchHistory", "FactWatches", "WH_RECORDS", "rows", _rows("watch_history")),
    Attribute(
        "WatchHistory",
        "FactWatches",
        "WH_ACTIVE",
        "rows with action ACTV",
        _rows("watch_history", "w_action = 'ACTV'"),
    ),
    Attribute(
        "HR",
        "DimBroker",
        "HR_BROKERS",
        "employees with job code 314",
        "select 1 as batch_id, count(*) as value from employees where employee_job_code = 314",
    ),
]

ATTRIBUTES: list[Attribute] = [
    *_CUSTOMER_MANAGEMENT,
    *_CUSTOMER,
    *_AGES,
    *_ACCOUNT,
    *_FINWIRE,
    *_PROSPECT,
    *_TRADE,
    *_EVENTS,
]


def _known_attributes() -> str:
    """SQL values (file pattern, data set, attribute) of everything an audit file may hold."""
    rows = {
        (f"{item.file}%" if item.file == "FINWIRE" else item.file, item.data_set, item.attribute)
        for item in ATTRIBUTES
    }
    listed = ", ".join(f"('{file}', '{data}', '{name}')" for file, data, name in sorted(rows))
    return f"(values {listed}) as known (name, dataset, attribute)"


_FILE_CHECKS: list[Check] = [
    *read_checks("audit_attributes.sql"),
    NoRows(
        "audit.no_unknown_row",
        "An audit file next to a data file holds that file's attributes only, for its own batch",
        f"""
        select a.file, a.dataset, a.batch_id, a.attribute
        from audit a
        where a.dataset not in ('Generator', 'Batch') and not exists (
            from source_files s, {_known_attributes()}
            where s.file = a.file and s.batch_id = a.batch_id and s.name like known.name
                and known.dataset = a.dataset and known.attribute = a.attribute
        )
        """,
    ),
]

CHECKS: list[Check] = [*ATTRIBUTES, *_FILE_CHECKS]
