{#
    Whether there are tables of the record. A run has made them at its start (see prepare_record); dbt, which looked for tables before that, does not
    know them in the first run.
#}
{% macro record_is_there() -%}
    {{ return(flags.WHICH in ("run", "build") or load_relation(operations_relation("vault_batches")) is not none) }}
{%- endmacro %}
