-- What: every table about runs has one row for each key.
-- Why: a file of records that was copied to another day would count twice. One test for all of these small
--   tables: one each would take longer than building them.
-- A returned row: a table and the first column of a key that occurs more than once in it.
{% set keys = {
    "fct_runs": ["run_id"],
    "fct_node_runs": ["invocation", "node_id"],
    "fct_test_results": ["invocation", "node_id"],
    "fct_feed_arrivals": ["system", "feed", "batch_id"],
    "fct_share_deliveries": ["run_id", "recipient", "share", "table_name"],
    "fct_model_checks": ["run_id", "check_name", "subject"],
    "fct_model_promotions": ["model_name", "promoted_at", "model_role"],
    "fct_model_outcomes": ["run_id", "model_name", "model_role", "as_of_date"],
    "rpt_pipeline_health": ["run_date", "target", "warehouse"],
    "rpt_slow_models": ["warehouse", "node_id"],
    "rpt_test_reliability": ["warehouse", "node_id"],
} %}
{% for name, key in keys.items() %}
    select
        '{{ name }}' as table_name,
        cast(min({{ key[0] }}) as {{ dbt.type_string() }}) as first_column
    from {{ ref(name) }}
    group by {{ key | join(", ") }}
    having count(*) > 1
    {{ "union all" if not loop.last }}
{% endfor %}
