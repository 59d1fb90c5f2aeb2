{#
    CTEs over what the raw vault and the business vault say about customers; the last one, `features`, has the features of each customer on each as-of date. Customers
    are those who are active and have an open account. What is not known on the as-of date does not count (see `is_known`): so the rows of a date are the same whenever
    they are computed.

    It reads the CTEs `as_of_dates`, `customer_states`, `account_states`, `customers`, `accounts`, `trades`, `trade_events`, `trade_states`,
    `cash_transactions`, `watch_events`, `holding_changes` and `daily_prices`: the models of these names, unfiltered but for the as-of dates.
#}
{% macro customer_features() -%}
-- What is summed up since the beginning is summed from one as-of date to the next: so each row counts once, and not on all later dates again.
as_of_steps as (
    select
        as_of_date,
        known_batch_id,
        known_until,
        window_from,
        coalesce(lag(known_batch_id) over (order by as_of_date), -1) as previous_batch_id,
        coalesce(lag(known_until) over (order by as_of_date), cast('0001-01-01' as timestamp)) as previous_until
    from as_of_dates
),

known_customers as (
    select
        as_of_dates.as_of_date,
        customer_states.customer_hk,
        customer_states.status_code,
        customer_states.tier,
        customer_states.birth_date,
        min(customer_states.valid_from) over (
            partition by as_of_dates.as_of_date, customer_states.customer_hk
        ) as customer_since,
        row_number() over (
            partition by as_of_dates.as_of_date, customer_states.customer_hk
            order by customer_states.valid_from desc, customer_states.batch_id desc
        ) as recency
    from customer_states
    inner join as_of_dates on {{ is_known("customer_states", "valid_from") }}
),

known_accounts as (
    select
        as_of_dates.as_of_date,
        account_states.account_hk,
        account_states.customer_hk,
        account_states.status_code,
        account_states.valid_from,
        row_number() over (
            partition by as_of_dates.as_of_date, account_states.account_hk
            order by account_states.valid_from desc, account_states.batch_id desc
        ) as recency
    from account_states
    inner join as_of_dates on {{ is_known("account_states", "valid_from") }}
),

owned_accounts as (
    select
        known_accounts.as_of_date,
        known_accounts.customer_hk,
        known_accounts.status_code,
        known_accounts.valid_from,
        accounts.account_id
    from known_accounts
    inner join accounts on known_accounts.account_hk = accounts.account_hk
    where known_accounts.recency = 1
),

account_counts as (
    select
        as_of_date,
        customer_hk,
        count(case when status_code = 'ACTV' then 1 end) as open_account_count,
        count(case when status_code <> 'ACTV' then 1 end) as closed_account_count,
        max(valid_from) as last_account_change_on
    from owned_accounts
    group by as_of_date, customer_hk
),

staying as (
    select
        known_customers.as_of_date,
        known_customers.customer_hk,
        known_customers.tier,
        known_customers.birth_date,
        known_customers.customer_since,
        account_counts.open_account_count,
        account_counts.closed_account_count,
        account_counts.last_account_change_on
    from known_customers
    inner join account_counts
        on
            known_customers.as_of_date = account_counts.as_of_date
            and known_customers.customer_hk = account_counts.customer_hk
    where
        known_customers.recency = 1
        and known_customers.status_code = 'ACTV'
        and account_counts.open_account_count > 0
),

-- The historical batch brings the events of a trade by themselves, a later one with the trade.
order_events as (
    select
        trade_id,
        status_code,
        applied_at,
        batch_id
    from trade_events
    where status_code in ('SBMT', 'CNCL', 'CMPT')
    union all
    select
        trade_id,
        status_code,
        applied_at,
        batch_id
    from trade_states
    where
        cdc_flag is not null
        and status_code in ('SBMT', 'CNCL', 'CMPT')
),

-- Known is what a trade and what happened to it were delivered with.
trade_orders as (
    select
        order_events.trade_id,
        order_events.status_code,
        order_events.applied_at,
        trades.account_id,
        trades.symbol,
        greatest(order_events.batch_id, trades.batch_id) as batch_id
    from order_events
    inner join trades on order_events.trade_id = trades.trade_id
),

account_orders as (
    select
        as_of_dates.as_of_date,
        trade_orders.account_id,
        count(distinct case when trade_orders.status_code = 'SBMT' then trade_orders.trade_id end) as submitted_count,
        count(distinct case when trade_orders.status_code = 'CNCL' then trade_orders.trade_id end) as canceled_count,
        max(case when trade_orders.status_code = 'SBMT' then trade_orders.applied_at end) as last_submitted_at
    from trade_orders
    inner join as_of_dates
        on
            {{ is_known("trade_orders", "applied_at") }}
            and trade_orders.applied_at >= as_of_dates.window_from
    where trade_orders.status_code in ('SBMT', 'CNCL')
    group by as_of_dates.as_of_date, trade_orders.account_id
),

-- What is new since the as-of date before, and what is in the window.
account_cash_steps as (
    select
        as_of_steps.as_of_date,
        cash_transactions.account_id,
        sum(
            case when {{ is_new("cash_transactions", "applied_at") }} then cash_transactions.transaction_amount end
        ) as new_amount,
        sum(
            case when cash_transactions.applied_at >= as_of_steps.window_from then cash_transactions.transaction_amount end
        ) as net_cash_amount,
        count(case when cash_transactions.applied_at >= as_of_steps.window_from then 1 end) as transaction_count
    from cash_transactions
    inner join as_of_steps
        on
            {{ is_known("cash_transactions", "applied_at", "as_of_steps") }}
            and (
                {{ is_new("cash_transactions", "applied_at") }}
                or cash_transactions.applied_at >= as_of_steps.window_from
            )
    group by as_of_steps.as_of_date, cash_transactions.account_id
),

account_balances as (
    select
        account_id,
        as_of_date,
        {{ next_as_of_date(["account_id"]) }},
        sum(new_amount) over (partition by account_id order by as_of_date) as cash_amount
    from account_cash_steps
),

-- A change of a holding has the time at which its trade was completed.
holding_moves as (
    select
        trade_orders.account_id,
        trade_orders.symbol,
        holding_changes.quantity_after - holding_changes.quantity_before as quantity,
        trade_orders.applied_at,
        greatest(holding_changes.batch_id, trade_orders.batch_id) as batch_id
    from holding_changes
    inner join trade_orders on holding_changes.trade_id = trade_orders.trade_id
    where trade_orders.status_code = 'CMPT'
),

position_steps as (
    select
        as_of_steps.as_of_date,
        holding_moves.account_id,
        holding_moves.symbol,
        sum(holding_moves.quantity) as quantity
    from holding_moves
    inner join as_of_steps
        on
            {{ is_known("holding_moves", "applied_at", "as_of_steps") }}
            and ({{ is_new("holding_moves", "applied_at") }})
    group by as_of_steps.as_of_date, holding_moves.account_id, holding_moves.symbol
),

position_balances as (
    select
        account_id,
        symbol,
        as_of_date,
        {{ next_as_of_date(["account_id", "symbol"]) }},
        sum(quantity) over (partition by account_id, symbol order by as_of_date) as quantity
    from position_steps
),

positions as (
    select
        as_of_dates.as_of_date,
        position_balances.account_id,
        position_balances.symbol,
        position_balances.quantity
    from position_balances
    inner join as_of_dates
        on
            position_balances.as_of_date <= as_of_dates.as_of_date
            and position_balances.next_as_of_date > as_of_dates.as_of_date
    where position_balances.quantity <> 0
),

-- Of the last week, and of the last week before the window.
known_prices as (
    select
        as_of_dates.as_of_date,
        daily_prices.symbol,
        daily_prices.close_price,
        daily_prices.price_date >= as_of_dates.window_from as is_last,
        row_number() over (
            partition by as_of_dates.as_of_date, daily_prices.symbol, daily_prices.price_date >= as_of_dates.window_from
            order by daily_prices.price_date desc, daily_prices.batch_id desc, daily_prices.source_row desc
        ) as recency
    from daily_prices
    inner join as_of_dates
        on
            {{ is_known("daily_prices", "price_date") }}
            and daily_prices.price_date >= as_of_dates.earlier_prices_from
            and (
                daily_prices.price_date >= as_of_dates.last_prices_from
                or daily_prices.price_date < as_of_dates.window_from
            )
),

prices as (
    select
        as_of_date,
        symbol,
        max(case when is_last then close_price end) as last_price,
        max(case when not is_last then close_price end) as earlier_price
    from known_prices
    where recency = 1
    group by as_of_date, symbol
),

account_holdings as (
    select
        positions.as_of_date,
        positions.account_id,
        count(*) as position_count,
        sum(positions.quantity * prices.last_price) as holdings_amount,
        sum(
            case when prices.earlier_price is not null then positions.quantity * prices.last_price end
        ) as compared_amount,
        sum(
            case when prices.last_price is not null then positions.quantity * prices.earlier_price end
        ) as earlier_amount
    from positions
    left join prices
        on
            positions.as_of_date = prices.as_of_date
            and positions.symbol = prices.symbol
    group by positions.as_of_date, positions.account_id
),

account_totals as (
    select
        owned_accounts.as_of_date,
        owned_accounts.customer_hk,
        sum(account_orders.submitted_count) as submitted_count,
        sum(account_orders.canceled_count) as canceled_count,
        max(account_orders.last_submitted_at) as last_submitted_at,
        sum(account_balances.cash_amount) as cash_amount,
        sum(account_cash_steps.net_cash_amount) as net_cash_amount,
        sum(account_cash_steps.transaction_count) as transaction_count,
        sum(account_holdings.position_count) as position_count,
        sum(account_holdings.holdings_amount) as holdings_amount,
        sum(account_holdings.compared_amount) as compared_amount,
        sum(account_holdings.earlier_amount) as earlier_amount
    from owned_accounts
    left join account_orders
        on
            owned_accounts.as_of_date = account_orders.as_of_date
            and owned_accounts.account_id = account_orders.account_id
    left join account_balances
        on
            owned_accounts.account_id = account_balances.account_id
            and owned_accounts.as_of_date >= account_balances.as_of_date
            and owned_accounts.as_of_date < account_balances.next_as_of_date
    left join account_cash_steps
        on
            owned_accounts.as_of_date = account_cash_steps.as_of_date
            and owned_accounts.account_id = account_cash_steps.account_id
    left join account_holdings
        on
            owned_accounts.as_of_date = account_holdings.as_of_date
            and owned_accounts.account_id = account_holdings.account_id
    group by owned_accounts.as_of_date, owned_accounts.customer_hk
),

watch_steps as (
    select
        as_of_steps.as_of_date,
        watch_events.customer_id,
        sum(
            case
                when not ({{ is_new("watch_events", "applied_at") }}) then 0
                when watch_events.action_code = 'ACTV' then 1
                when watch_events.action_code = 'CNCL' then -1
                else 0
            end
        ) as new_count,
        count(
            case when watch_events.action_code = 'ACTV' and watch_events.applied_at >= as_of_steps.window_from then 1 end
        ) as newly_set_count,
        count(
            case when watch_events.action_code = 'CNCL' and watch_events.applied_at >= as_of_steps.window_from then 1 end
        ) as newly_canceled_count
    from watch_events
    inner join as_of_steps
        on
            {{ is_known("watch_events", "applied_at", "as_of_steps") }}
            and (
                {{ is_new("watch_events", "applied_at") }}
                or watch_events.applied_at >= as_of_steps.window_from
            )
    group by as_of_steps.as_of_date, watch_events.customer_id
),

watch_balances as (
    select
        customer_id,
        as_of_date,
        {{ next_as_of_date(["customer_id"]) }},
        sum(new_count) over (partition by customer_id order by as_of_date) as watch_count
    from watch_steps
),

features as (
    select
        ---------- key
        customers.customer_id,
        staying.as_of_date,
        ---------- cut-offs
        as_of_dates.known_batch_id,
        as_of_dates.complete_batch_id,
        ---------- demographics
        staying.tier,
        cast(
            extract(year from staying.as_of_date) - extract(year from staying.birth_date) as integer
        ) as age_years,
        cast({{ dbt.datediff("staying.customer_since", "staying.as_of_date", "day") }} as integer) as tenure_days,
        ---------- accounts
        cast(staying.open_account_count as integer) as open_account_count,
        cast(staying.closed_account_count as integer) as closed_account_count,
        cast({{ dbt.datediff("staying.last_account_change_on", "staying.as_of_date", "day") }} as integer) as account_change_days,
        ---------- activity
        cast(coalesce(account_totals.submitted_count, 0) as integer) as order_count,
        cast(coalesce(account_totals.canceled_count, 0) as integer) as canceled_order_count,
        cast(
            {{ dbt.datediff("cast(account_totals.last_submitted_at as date)", "staying.as_of_date", "day") }} as integer
        ) as order_days,
        ---------- wealth
        cast(coalesce(account_totals.cash_amount, 0) as decimal(38, 2)) as cash_amount,
        cast(coalesce(account_totals.net_cash_amount, 0) as decimal(38, 2)) as net_cash_amount,
        cast(coalesce(account_totals.transaction_count, 0) as integer) as transaction_count,
        cast(coalesce(account_totals.position_count, 0) as integer) as position_count,
        cast(account_totals.holdings_amount as decimal(38, 2)) as holdings_amount,
        {{ ratio("100 * (account_totals.compared_amount - account_totals.earlier_amount)", "account_totals.earlier_amount") }}
            as market_move_percent,
        ---------- watches
        cast(coalesce(watch_balances.watch_count, 0) as integer) as watch_count,
        cast(coalesce(watch_steps.newly_set_count, 0) as integer) as set_watch_count,
        cast(coalesce(watch_steps.newly_canceled_count, 0) as integer) as canceled_watch_count
    from staying
    inner join as_of_dates on staying.as_of_date = as_of_dates.as_of_date
    inner join customers on staying.customer_hk = customers.customer_hk
    left join account_totals
        on
            staying.as_of_date = account_totals.as_of_date
            and staying.customer_hk = account_totals.customer_hk
    left join watch_balances
        on
            customers.customer_id = watch_balances.customer_id
            and staying.as_of_date >= watch_balances.as_of_date
            and staying.as_of_date < watch_balances.next_as_of_date
    left join watch_steps
        on
            staying.as_of_date = watch_steps.as_of_date
            and customers.customer_id = watch_steps.customer_id
)
{%- endmacro %}
