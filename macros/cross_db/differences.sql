{#
    The rows in which two CTEs of the same columns differ, counting duplicates and treating NULL as a value: the last select of a reconciliation.
    `place` says which of the two has the row. Batches without a date are not in the vault yet, so they do not count.

    `delivered`: CTE with the rows that there should be, with `batch_id`; those of batches that are tested count (see `is_tested`).
    `rebuilt`: CTE with the rows that there are.
#}
{% macro differences(delivered, rebuilt) -%}
    {{ return(adapter.dispatch("differences")(delivered, rebuilt)) }}
{%- endmacro %}

{% macro default__differences(delivered, rebuilt) -%}
select
    'lost' as place,
    lost.*
from (
    select * from {{ delivered }}
    where {{ has_date("batch_id") }} and {{ is_tested("batch_id") }}
    except all
    select * from {{ rebuilt }}
    where {{ is_tested("batch_id") }}
) as lost
union all
select
    'invented' as place,
    invented.*
from (
    select * from {{ rebuilt }}
    where {{ is_tested("batch_id") }}
    except all
    select * from {{ delivered }}
    where {{ has_date("batch_id") }} and {{ is_tested("batch_id") }}
) as invented
{%- endmacro %}

{# DuckDB numbers the duplicates of both sides twice for `except all`; grouping by all columns takes a quarter of the time. #}
{% macro duckdb__differences(delivered, rebuilt) -%}
select
    case when sum(side) > 0 then 'lost' else 'invented' end as place,
    entries.* exclude (side)
from (
    select *, 1 as side from {{ delivered }}
    where {{ has_date("batch_id") }} and {{ is_tested("batch_id") }}
    union all
    select *, -1 as side from {{ rebuilt }}
    where {{ is_tested("batch_id") }}
) as entries
group by all
having sum(side) <> 0
{%- endmacro %}
