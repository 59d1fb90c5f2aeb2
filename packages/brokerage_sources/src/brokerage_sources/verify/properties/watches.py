"""Watch lists."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows

CHECKS: list[Check] = [
    NoRows(
        "watches.actions",
        "An action is ACTV or CNCL",
        """
        select w_c_id, w_s_symb, w_dts, w_action from watch_history
        where w_action is null or w_action not in ('ACTV', 'CNCL')
        """,
    ),
    NoRows(
        "watches.pairs_are_unique",
        "A customer watches a symbol once, and stops at most once, over all batches",
        """
        select w_c_id, w_s_symb, w_action, count(*) as times from watch_history
        group by all having times > 1
        """,
    ),
    NoRows(
        "watches.cancelled_after_active",
        "A watch is cancelled after it was set, in file order and by time",
        """
        with pairs as (
            select w_c_id, w_s_symb,
                min(w_dts) filter (w_action = 'ACTV') as set_at,
                min(w_dts) filter (w_action = 'CNCL') as cancelled_at,
                min(rowid) filter (w_action = 'ACTV') as set_position,
                min(rowid) filter (w_action = 'CNCL') as cancelled_position
            from watch_history group by all
        )
        from pairs where cancelled_at is not null
            and not coalesce(cancelled_at >= set_at and cancelled_position > set_position, false)
        """,
    ),
    NoRows(
        "watches.customers_exist_before",
        "A watch is set by a customer who was known by then",
        """
        select w.w_c_id, w.w_s_symb, w.w_dts, c.born_at
        from watch_history w
        left join (select c_id, min(born_at) as born_at from customer_births group by c_id) c
            on c.c_id = w.w_c_id
        where c.c_id is null or c.born_at > w.w_dts
        """,
    ),
    NoRows(
        "watches.securities_exist_before",
        "A watched symbol was announced before",
        """
        select w.w_c_id, w.w_s_symb, w.w_dts, s.created_at
        from watch_history w left join security_lives s on s.symbol = w.w_s_symb
        where s.symbol is null or s.created_at > w.w_dts
        """,
    ),
    NoRows(
        "watches.sorted_by_time_and_in_batch",
        "Rows are in order of time, and those of a later batch fall on its day",
        """
        select batch_id, w_dts, lag(w_dts) over (partition by batch_id order by w.rowid) as before
        from watch_history w join batches b using (batch_id)
        qualify w_dts < before or w_dts::date > b.batch_date
            or (batch_id > 1 and w_dts::date <> b.batch_date)
        """,
    ),
]
