with

di_messages as (
    select * from {{ ref('di_messages') }}
),

batches as (
    select count(*) as batch_count from {{ ref('stg_control__batches') }}
),

figures as (
    select
        data_set,
        audited_batch_id
    from {{ ref('stg_control__audit_counts') }}
    union all
    select
        data_set,
        audited_batch_id
    from {{ ref('stg_control__generator_parameters') }}
),

official as (
    select
        {{ batches_found("figures.audited_batch_id", "max(batches.batch_count)") }} as batches_found,
        count(distinct figures.data_set) filter (
            where figures.data_set in (
                'Batch', 'DimAccount', 'DimBroker', 'DimCompany', 'DimCustomer', 'DimSecurity', 'DimTrade',
                'FactHoldings', 'FactMarketHistory', 'FactWatches', 'Financial', 'Generator', 'Prospect'
            )
        ) as data_set_count
    from figures
    cross join batches
),

-- Batch 0 is a phase too, so phases are numbered from 1.
phases as (
    select
        *,
        batch_id + 1 as phase_number,
        case when message_type = 'PCR' then batch_id + 1 end as completed_phase_number
    from di_messages
),

messages as (
    select
        {{ batches_found("phases.phase_number", "max(batches.batch_count) + 1") }} as phases_found,
        {{ batches_found("phases.completed_phase_number", "max(batches.batch_count) + 1") }} as completed_found,
        count(distinct phases.message_source) filter (
            where phases.message_type = 'Validation'
            and phases.message_source in (
                'DimAccount', 'DimBroker', 'DimCustomer', 'DimDate', 'DimSecurity', 'DimTime', 'DimTrade',
                'FactCashBalances', 'FactHoldings', 'FactMarketHistory', 'FactWatches', 'Financial', 'Industry',
                'Prospect', 'StatusType', 'TaxRate', 'TradeType'
            )
        ) as source_count,
        count(*) filter (
            where phases.batch_id = 0
            and phases.message_type = 'Validation'
            and phases.message_data <> '0'
        ) as not_empty_count
    from phases
    cross join batches
),

by_batch as (
    select
        batch_id,
        count(*) filter (where message_type = 'Validation') as validation_count
    from di_messages
    group by batch_id
),

totals as (
    select
        batches.batch_count,
        official.batches_found,
        official.data_set_count,
        messages.phases_found,
        messages.completed_found,
        messages.source_count,
        messages.not_empty_count
    from batches
    cross join official
    cross join messages
),

checks as (
    {{- audit_checks("totals", [
        (1, "batch_count", "batches_found"),
        (2, "13", "data_set_count"),
        (4, "batch_count + 1", "phases_found"),
        (5, "batch_count + 1", "completed_found"),
        (6, "17", "source_count"),
        (7, "0", "not_empty_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [(3, "24", "validation_count")], batch_id="batch_id") }}
)

select * from checks
