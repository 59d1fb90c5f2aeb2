{#
    CTEs over the events of watches: `numbered`, all of them; `counted`, those that set or cancel a watch, without those that set it a second time on
    one day; and `followed`, where each of these also has the one before and the one after it. By customer and symbol, in the order of time.

    `events`: CTE with the columns of nhl_watch_event.
#}
{% macro followed_watches(events) -%}
numbered as (
    select
        *,
        row_number() over (
            partition by customer_id, symbol, action_code, cast(applied_at as date)
            order by batch_id, source_row
        ) as delivery_number
    from {{ events }}
),

counted as (
    select * from numbered
    where
        action_code = 'CNCL'
        or (action_code = 'ACTV' and delivery_number = 1)
),

followed as (
    select
        *,
        lead(action_code) over watched as next_action_code,
        lead(applied_at) over watched as next_applied_at,
        lead(batch_id) over watched as next_batch_id,
        lag(action_code) over watched as previous_action_code,
        lag(applied_at) over watched as previous_applied_at,
        lag(batch_id) over watched as previous_batch_id,
        lag(cdc_flag) over watched as previous_cdc_flag
    from counted
    window watched as (partition by customer_id, symbol order by applied_at, batch_id, sequence_number, source_row)
)
{%- endmacro %}
