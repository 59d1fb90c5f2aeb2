{# Overrides of dbt's own macro, which gives the roles under `grants` their right to a relation that was just built. #}

{# A file has no roles: who can read it reads all of it. dbt-duckdb would warn at every model. #}
{% macro duckdb__apply_grants(relation, grant_config, should_revoke=true) %}
{% endmacro %}

{#
    Who may not read personal columns has the right to the others only. dbt does not see rights to columns: they are set anew each time.

    The lock keeps autovacuum out of a table that stays: gathering statistics, it would wait for the right that this transaction gives,
    and `analyze` in after_build would wait for autovacuum.
#}
{% macro postgres__apply_grants(relation, grant_config, should_revoke=true) %}
    {% if model.config.materialized in ("incremental", "snapshot") %}
        {% call statement("keep_autovacuum_out") %}
            lock table {{ relation }} in share update exclusive mode
        {% endcall %}
    {% endif %}
    {% set masked = masked_readers(model) %}
    {% if masked %}
        {% set shown = model.columns.values() | reject("in", personal_columns(model)) | map(attribute="name") | join(", ") %}
        {% call statement("column_grants") %}
            revoke all on {{ relation }} from {{ masked | join(", ") }};
            grant select ({{ shown }}) on {{ relation }} to {{ masked | join(", ") }};
        {% endcall %}
        {% set of_whole_relation = grant_config["select"] | reject("in", masked) | list %}
        {% set grant_config = dict(grant_config, select=of_whole_relation) %}
    {% endif %}
    {{ dbt.default__apply_grants(relation, grant_config, should_revoke) }}
{% endmacro %}
