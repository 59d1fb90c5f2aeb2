with

watches as (
    select * from {{ ref('fct_watches') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

watch_events as (
    select
        *,
        cast(applied_at as date) as applied_on
    from {{ ref('nhl_watch_event') }}
    where action_code = 'ACTV'
),

joined as (
    select
        watches.batch_id,
        watches.sk_date_id_date_removed is not null as is_removed,
        dim_customer.customer_id,
        dim_security.symbol,
        placed.date_value as placed_on,
        not {{ is_inside_version("placed.date_value", "dim_customer") }} as outside_customer,
        not {{ is_inside_version("placed.date_value", "dim_security") }} as outside_security,
        (
            case
                when watches.sk_date_id_date_removed is null
                    then placed.date_value between figures.first_day and figures.last_day
                else
                    removed.date_value between figures.first_day and figures.last_day
                    and watches.sk_date_id_date_placed <= watches.sk_date_id_date_removed
            end
        ) is not true as outside_batch
    from watches
    left join dim_customer on watches.sk_customer_id = dim_customer.sk_customer_id
    left join dim_security on watches.sk_security_id = dim_security.sk_security_id
    left join dim_date as placed on watches.sk_date_id_date_placed = placed.sk_date_id
    left join dim_date as removed on watches.sk_date_id_date_removed = removed.sk_date_id
    left join figures on watches.batch_id = figures.batch_id
),

-- A removed watch has the batch that removed it; the vault knows the one that placed it.
removed_watches as (
    select * from joined
    where is_removed
),

placements as (
    select
        customer_id,
        symbol,
        applied_on,
        min(batch_id) as batch_id
    from watch_events
    where (customer_id, symbol, applied_on) in (
        select
            removed_watches.customer_id,
            removed_watches.symbol,
            removed_watches.placed_on
        from removed_watches
    )
    group by customer_id, symbol, applied_on
),

judged as (
    select
        joined.*,
        coalesce(placements.batch_id, joined.batch_id) as inserted_batch_id,
        joined.customer_id is not null
        and joined.symbol is not null
        and joined.placed_on is not null
            as is_joined
    from joined
    left join placements
        on
            joined.customer_id = placements.customer_id
            and joined.symbol = placements.symbol
            and joined.placed_on = placements.applied_on
),

{{ fact_figures("FactWatches", "judged", ["outside_customer", "outside_security", "outside_batch", "is_removed"]) }}

select * from listed
