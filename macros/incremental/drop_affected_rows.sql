{#
    A pre-hook of an incremental model: deletes the rows that the run computes again, in the transaction of the new ones. The strategy `delete+insert`
    alone deletes only what comes out again under the same key: a row that is no longer possible, or that has moved to another key, would stay.

    `affected`: the condition under which a row of the model is computed again.
#}
{% macro drop_affected_rows(affected) -%}
    {%- if execute and is_incremental() -%}
    delete from {{ this }} where {{ affected }}
    {%- endif -%}
{%- endmacro %}
