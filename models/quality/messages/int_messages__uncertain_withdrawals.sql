with

quarantined_rows as (
    select * from {{ ref('quarantined_rows') }}
),

prospects as (
    select * from {{ ref('hub_prospect') }}
),

statuses as (
    select * from {{ ref('sts_prospect__prospect') }}
),

-- The key is the first field of a line, perhaps in quotes; a line without a readable key names nobody.
named as (
    select distinct
        batch_id,
        replace(split_part(raw_text, ',', 1), '"', '') as prospect_id
    from quarantined_rows
    where
        system = 'prospect'
        and feed = 'prospect'
),

written as (
    select
        'withdrawal_uncertain' as message_code,
        statuses.batch_id,
        'Prospect' as message_source,
        'AgencyID = ' || prospects.prospect_id
            as message_data
    from statuses
    inner join prospects on statuses.prospect_hk = prospects.prospect_hk
    inner join named
        on
            statuses.batch_id = named.batch_id
            and prospects.prospect_id = named.prospect_id
    where not statuses.is_present
)

select * from written
