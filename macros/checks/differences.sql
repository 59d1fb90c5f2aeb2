{#
    The rows that two CTEs of the same columns do not share, counting duplicates and taking NULL as a value: the last select of a
    test that two ways lead to the same rows. `place` says which of the two the row is only in.
#}
{% macro differences(delivered, rebuilt) -%}
select
    'lost' as place,
    lost.*
from (
    select * from {{ delivered }}
    except all
    select * from {{ rebuilt }}
) as lost
union all
select
    'invented' as place,
    invented.*
from (
    select * from {{ rebuilt }}
    except all
    select * from {{ delivered }}
) as invented
{%- endmacro %}
