{# The relations of several models, by name: in a hook, where a list of names can be written and a list of relations cannot. #}
{% macro refs(names) -%}
    {%- set relations = [] -%}
    {%- for name in names -%}
        {%- do relations.append(ref(name)) -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}
