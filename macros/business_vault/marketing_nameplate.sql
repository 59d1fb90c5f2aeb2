{#
    The marketing tags of a prospect, joined by `+`, NULL if there is none. A condition on an unknown figure does not hold.
    `prospect`: alias of a relation with the columns of a prospect.
#}
{% macro marketing_nameplate(prospect) -%}
{%- set tags = {
    "HighValue": "{p}.net_worth_amount > 1000000 or {p}.income_amount > 200000",
    "Expenses": "{p}.child_count > 3 or {p}.credit_card_count > 5",
    "Boomer": "{p}.age > 45",
    "MoneyAlert": "{p}.income_amount < 50000 or {p}.credit_rating < 600 or {p}.net_worth_amount < 100000",
    "Spender": "{p}.car_count > 3 or {p}.credit_card_count > 7",
    "Inherited": "{p}.age < 25 and {p}.net_worth_amount > 1000000",
} -%}
    nullif(substr(
        {%- for tag, condition in tags.items() %}
        case when {{ condition.format(p=prospect) }} then '+{{ tag }}' else '' end{{ " ||" if not loop.last }}
        {%- endfor %},
        2
    ), '')
{%- endmacro %}
