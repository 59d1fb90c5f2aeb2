{# In a select from `audit_counts`: the official figure of this name, summed: those about the newswire come once for each quarter. #}
{% macro audit_figure(data_set, attribute) -%}
    cast(sum(
        case
            when audit_counts.data_set = '{{ data_set }}' and audit_counts.attribute = '{{ attribute }}'
                then audit_counts.integer_value
        end
    ) as bigint)
{%- endmacro %}
