{#
    A ratio with two decimal places; NULL if it divides by zero, or has more than eight digits before the point. Engines divide decimals
    differently; eight places on the way make them round alike.

    `dividend`, `divisor`: SQL expressions.
#}
{% macro ratio(dividend, divisor) -%}
    cast(
        case
            when abs({{ dividend }} / nullif({{ divisor }}, 0)) < 99999999
                then cast({{ dividend }} / nullif({{ divisor }}, 0) as decimal(18, 8))
        end as decimal(10, 2)
    )
{%- endmacro %}
