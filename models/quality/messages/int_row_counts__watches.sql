with

watches as (
    select * from {{ ref('fct_watches') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

nhl_watch_event as (
    select
        customer_id,
        symbol,
        cast(applied_at as date) as placed_on,
        min(batch_id) as batch_id
    from {{ ref('nhl_watch_event') }}
    where action_code = 'ACTV'
    group by customer_id, symbol, cast(applied_at as date)
),

joined as (
    select
        watches.batch_id,
        dim_customer.customer_id,
        dim_security.symbol,
        dim_date.date_value as placed_on
    from watches
    left join dim_customer on watches.sk_customer_id = dim_customer.sk_customer_id
    left join dim_security on watches.sk_security_id = dim_security.sk_security_id
    left join dim_date on watches.sk_date_id_date_placed = dim_date.sk_date_id
),

-- A canceled watch has the batch that canceled it; the vault knows the one that placed it.
counted as (
    select
        'FactWatches' as message_source,
        coalesce(nhl_watch_event.batch_id, joined.batch_id) as batch_id,
        count(*) as row_count,
        count(*) filter (
            where joined.customer_id is not null
            and joined.symbol is not null
            and joined.placed_on is not null
        ) as joined_row_count
    from joined
    left join nhl_watch_event
        on
            joined.customer_id = nhl_watch_event.customer_id
            and joined.symbol = nhl_watch_event.symbol
            and joined.placed_on = nhl_watch_event.placed_on
    group by coalesce(nhl_watch_event.batch_id, joined.batch_id)
)

select * from counted
