{#
    The row of a dimension that stands for all members that the warehouse does not know, as a select; no row while nothing refers to it. It
    has the zero key, the business key -1, and is valid from the first day of the calendar.

    `values`: column -> SQL expression, for the columns that are neither NULL nor set here.
    `surrogate_key`, `business_key`: columns of the dimension.
    `referring`, `column`: the table that may refer to it, and its column.
#}
{% macro unknown_member(surrogate_key, business_key, values, referring, column) -%}
    {%- set values = dict(values, **{
        surrogate_key: zero_key(),
        business_key: "-1",
        "is_current": "true",
        "batch_id": "1",
        "effective_date": "(select min(calendar.date_value) from " ~ ref("ref_date") ~ " as calendar)",
        "end_date": open_end(),
    }) -%}
    select
        {%- for name, column in model.columns.items() %}
        {{ "cast(" ~ values.get(name, "null") ~ " as " ~ column.data_type ~ ") as " ~ name }}{{ "," if not loop.last }}
        {%- endfor %}
    where exists (select 1 from {{ referring }} as referring where referring.{{ column }} = {{ zero_key() }})
{%- endmacro %}
