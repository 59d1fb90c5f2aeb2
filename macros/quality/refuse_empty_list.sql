{#
    Pre-hook of the snapshot of published prospects: stops if it would read no prospect although some are published. An empty read
    (`--empty`, a list that was not loaded) would be taken for the withdrawal of everyone, and a snapshot is never rebuilt.
#}
{% macro refuse_empty_list() -%}
    {%- if execute and load_relation(this) is not none -%}
        {%- set listed = run_query(
            "select count(*) from " ~ ref("bv_prospect__history") ~ " as prospects where is_current and is_listed"
        ).columns[0].values()[0] -%}
        {%- set published = run_query("select count(*) from " ~ this ~ " where published_to is null").columns[0].values()[0] -%}
        {%- if published and (flags.EMPTY or not listed) -%}
            {%- do exceptions.raise_compiler_error(
                "The list of prospects is empty, but " ~ published ~ " prospects are published. An empty list is not treated as a withdrawal: nothing was changed."
                ~ " Build without --empty, or load the list of the last batch: python -m scripts.load --feed prospect"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
