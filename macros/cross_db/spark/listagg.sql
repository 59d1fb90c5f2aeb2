{#
    Replaces dbt's own macro on Spark, which does not keep the order: texts joined in an order, without those that are NULL.

    `measure`: the text. `delimiter_text`: what stands between two, with its quotes. `order_by_clause`: `order by <expression>`, ascending. `limit_num`: how
    many at most; all if it is none.
#}
{% macro spark__listagg(measure, delimiter_text="','", order_by_clause=none, limit_num=none) -%}
    {%- set position = order_by_clause | replace("order by ", "") if order_by_clause else "1" -%}
    {%- set sorted = "array_sort(collect_list(struct(" ~ position ~ " as position, " ~ measure ~ " as value)) filter (where " ~ measure ~ " is not null))" -%}
    {%- set texts = "transform(" ~ sorted ~ ", entry -> entry.value)" -%}
    {%- set texts = "slice(" ~ texts ~ ", 1, " ~ limit_num ~ ")" if limit_num else texts -%}
    case when count({{ measure }}) > 0 then array_join({{ texts }}, {{ delimiter_text }}) end
{%- endmacro %}
