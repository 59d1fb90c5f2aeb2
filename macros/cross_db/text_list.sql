{#
    A list of texts, for fixtures of unit tests.

    `texts`: the texts, without quotes.
#}
{% macro text_list(texts) -%}
    {{ return(adapter.dispatch("text_list")(texts)) }}
{%- endmacro %}

{% macro default__text_list(texts) -%}
    array['{{ texts | join("', '") }}']
{%- endmacro %}

{% macro spark__text_list(texts) -%}
    array('{{ texts | join("', '") }}')
{%- endmacro %}
