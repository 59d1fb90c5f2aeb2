{#- What history allows: the usual time and five robust standard deviations (1.4826 x MAD), at least so much more. #}
{%- set deviations, scale_of_mad, least_share, least_seconds = 5, 1.4826, 0.2, 0.2 -%}
{#- How much history counts, and how much of it there must be. #}
{%- set longest_history, shortest_history = 30, 5 -%}

with

node_runs as (
    select * from {{ ref('fct_node_runs') }}
),

runs as (
    select * from {{ ref('fct_runs') }}
),

-- The same model takes another time in another warehouse.
built as (
    select
        runs.warehouse,
        node_runs.node_id,
        node_runs.node_name,
        node_runs.schema_name,
        node_runs.started_at,
        node_runs.seconds,
        row_number() over (
            partition by runs.warehouse, node_runs.node_id
            order by node_runs.started_at desc, node_runs.invocation desc
        ) as age
    from node_runs
    inner join runs on node_runs.run_id = runs.run_id
    where
        node_runs.node_kind in ('model', 'snapshot', 'seed')
        and node_runs.status = 'success'
),

-- The run that is judged is no part of the history that judges it.
last_run as (
    select * from built
    where age = 1
),

history as (
    select * from built
    where age between 2 and {{ longest_history + 1 }}
),

-- Discrete percentiles: of an even number of runs the lower middle one, exactly.
usual as (
    select
        warehouse,
        node_id,
        cast(count(*) as integer) as earlier_run_count,
        percentile_disc(0.5) within group (order by seconds) as usual_seconds
    from history
    group by warehouse, node_id
),

deviations as (
    select
        history.warehouse,
        history.node_id,
        percentile_disc(0.5) within group (order by abs(history.seconds - usual.usual_seconds)) as mad_seconds
    from history
    inner join usual
        on
            history.warehouse = usual.warehouse
            and history.node_id = usual.node_id
    group by history.warehouse, history.node_id
),

limits as (
    select
        usual.*,
        deviations.mad_seconds,
        usual.usual_seconds + greatest(
            {{ deviations }} * {{ scale_of_mad }} * deviations.mad_seconds,
            {{ least_share }} * usual.usual_seconds,
            {{ least_seconds }}
        ) as limit_seconds
    from usual
    inner join deviations
        on
            usual.warehouse = deviations.warehouse
            and usual.node_id = deviations.node_id
),

final as (
    select
        last_run.warehouse,
        last_run.node_id,
        last_run.node_name,
        last_run.schema_name,
        last_run.started_at as last_started_at,
        cast(last_run.seconds as decimal(12, 3)) as last_seconds,
        coalesce(limits.earlier_run_count, 0) as earlier_run_count,
        cast(limits.usual_seconds as decimal(12, 3)) as usual_seconds,
        cast(limits.mad_seconds as decimal(12, 3)) as mad_seconds,
        cast(limits.limit_seconds as decimal(12, 3)) as limit_seconds,
        coalesce(
            limits.earlier_run_count >= {{ shortest_history }}
            and last_run.seconds > limits.limit_seconds,
            false
        ) as is_slow
    from last_run
    left join limits
        on
            last_run.warehouse = limits.warehouse
            and last_run.node_id = limits.node_id
)

select * from final
