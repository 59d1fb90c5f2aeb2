with

prospects as (
    select * from {{ ref('timeline_prospect__prospect') }}
),

nameplate_rules as (
    select
        *,
        count(*) over (partition by nameplate, alternative) as condition_count
    from {{ ref('nameplate_rules') }}
),

compared as (
    select
        prospects.prospect_hk,
        cast(prospects.valid_from as date) as valid_from,
        prospects.is_current,
        prospects.batch_id,
        nameplate_rules.nameplate,
        nameplate_rules.sort_order,
        nameplate_rules.alternative,
        nameplate_rules.condition_count,
        nameplate_rules.comparison,
        nameplate_rules.threshold,
        case nameplate_rules.figure
            when 'net_worth_amount' then prospects.net_worth_amount
            when 'income_amount' then prospects.income_amount
            when 'child_count' then prospects.child_count
            when 'credit_card_count' then prospects.credit_card_count
            when 'age' then prospects.age
            when 'credit_rating' then prospects.credit_rating
            when 'car_count' then prospects.car_count
        end as figure
    from prospects
    cross join nameplate_rules
),

-- Conditions that hold; an unknown figure is neither greater nor less.
holding as (
    select * from compared
    where
        (comparison = '>' and figure > threshold)
        or (comparison = '<' and figure < threshold)
),

-- An alternative holds if all of its conditions do.
alternatives as (
    select
        prospect_hk,
        valid_from,
        is_current,
        batch_id,
        nameplate,
        sort_order
    from holding
    group by prospect_hk, valid_from, is_current, batch_id, nameplate, sort_order, alternative, condition_count
    having count(*) = condition_count
),

nameplates as (
    select distinct
        ---------- ids
        prospect_hk,
        nameplate,
        sort_order,
        ---------- validity
        valid_from,
        is_current,
        ---------- load
        batch_id
    from alternatives
)

select * from nameplates
