with

prospects as (
    select * from {{ ref('prospects') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

tagged as (
    select
        *,
        coalesce(marketing_nameplate, '') as nameplate,
        '+' || coalesce(marketing_nameplate, '') || '+' as padded_nameplate
    from prospects
),

-- The tags of the nameplate, and the tags that the figures require, in their order. An unknown figure requires none.
compared as (
    select
        *,
        concat_ws(
            '+',
            case when padded_nameplate like '%+HighValue+%' then 'HighValue' end,
            case when padded_nameplate like '%+Expenses+%' then 'Expenses' end,
            case when padded_nameplate like '%+Boomer+%' then 'Boomer' end,
            case when padded_nameplate like '%+MoneyAlert+%' then 'MoneyAlert' end,
            case when padded_nameplate like '%+Spender+%' then 'Spender' end,
            case when padded_nameplate like '%+Inherited+%' then 'Inherited' end
        ) as known_tags,
        concat_ws(
            '%',
            case when net_worth > 1000000 or income > 200000 then '+HighValue' end,
            case when number_children > 3 or number_credit_cards > 5 then '+Expenses' end,
            case when age > 45 then '+Boomer' end,
            case when income < 50000 or credit_rating < 600 or net_worth < 100000 then '+MoneyAlert' end,
            case when number_cars > 3 or number_credit_cards > 7 then '+Spender' end,
            case when age < 25 and net_worth > 1000000 then '+Inherited' end
        ) as required_tags
    from tagged
),

counted as (
    select
        {{ batches_found("batch_id") }} as batches_found,
        {{ last_batch() }} as last_batch,
        count(*) filter (where sk_record_date_id < sk_update_date_id) as changed_when_absent_count,
        count(*) filter (where country not in ('Canada', 'United States of America')) as unknown_country_count,
        count(*) filter (
            where nameplate <> known_tags
            or padded_nameplate not like '%' || required_tags || '%'
        ) as wrong_nameplate_count
    from compared
),

by_batch as (
    select
        figures.batch_id,
        count(*) filter (where dim_date.date_value < figures.first_day) as listed_before_count
    from figures
    left join prospects on figures.batch_id = prospects.batch_id
    left join dim_date on prospects.sk_record_date_id = dim_date.sk_date_id
    group by figures.batch_id
),

checks as (
    {{- audit_checks("counted", [
        (78, "0", "changed_when_absent_count"),
        (80, "last_batch", "batches_found"),
        (81, "0", "unknown_country_count"),
        (82, "0", "wrong_nameplate_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [(79, "0", "listed_before_count")], batch_id="batch_id") }}
)

select * from checks
