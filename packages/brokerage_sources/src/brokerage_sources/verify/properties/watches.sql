-- check: watches.actions
-- An action is ACTV or CNCL
select
    w_c_id,
    w_s_symb,
    w_dts,
    w_action
from watch_history
where w_action is null or w_action not in ('ACTV', 'CNCL');

-- check: watches.pairs_are_unique
-- A customer watches a symbol once, and stops at most once, over all batches
select
    w_c_id,
    w_s_symb,
    w_action,
    count(*) as times
from watch_history
group by all
having times > 1;

-- check: watches.canceled_after_active
-- A watch is canceled after it was set, in file order and by time
with pairs as (
    select
        w_c_id,
        w_s_symb,
        min(w_dts) filter (w_action = 'ACTV') as set_at,
        min(w_dts) filter (w_action = 'CNCL') as canceled_at,
        min(rowid) filter (w_action = 'ACTV') as set_position,
        min(rowid) filter (w_action = 'CNCL') as canceled_position
    from watch_history
    group by all
)

from
    pairs
where
    canceled_at is not null
    and not coalesce(canceled_at >= set_at and canceled_position > set_position, false);

-- check: watches.customers_exist_before
-- A watch is set by a customer who was known by then
with known as (
    select
        c_id,
        min(born_at) as born_at
    from customer_births
    group by c_id
)

select
    w.w_c_id,
    w.w_s_symb,
    w.w_dts,
    known.born_at
from watch_history as w
left join known
    on w.w_c_id = known.c_id
where known.c_id is null or known.born_at > w.w_dts;

-- check: watches.securities_exist_before
-- A watched symbol was announced before
select
    w.w_c_id,
    w.w_s_symb,
    w.w_dts,
    s.created_at
from watch_history as w
left join security_lives as s on w.w_s_symb = s.symbol
where s.symbol is null or s.created_at > w.w_dts;

-- check: watches.sorted_by_time_and_in_batch
-- Rows are in order of time, and those of a later batch fall on its day
select
    batch_id,
    w_dts,
    lag(w_dts) over (partition by batch_id order by w.rowid) as before
from watch_history as w
inner join batches as b using (batch_id)
qualify
    w_dts < before or w_dts::date > b.batch_date
    or (batch_id > 1 and w_dts::date <> b.batch_date);
