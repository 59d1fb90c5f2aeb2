{#
    The official figure of this name, in a select from `audit_counts`. It is a sum: figures about the newswire are published per quarter.

    `data_set`: official name of the table that the figure is about.
    `attribute`: name of the figure.
#}
{% macro audit_figure(data_set, attribute) -%}
    cast(sum(
        case
            when audit_counts.data_set = '{{ data_set }}' and audit_counts.attribute = '{{ attribute }}'
                then audit_counts.integer_value
        end
    ) as bigint)
{%- endmacro %}
