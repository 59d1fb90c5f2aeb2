{#
    Whether a code of the list of statuses says how a customer, account, company or security is: active or not. The other codes of the list are
    those of trades, and mean nothing about these. One declaration for all dimensions and their tests.

    `code`: column with the code.
#}
{% macro is_standing_code(code) -%}
    {{ code }} in ('ACTV', 'INAC')
{%- endmacro %}
