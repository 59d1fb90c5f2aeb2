{#
    Replaces dbt's own macro, which grants the roles under `grants` their rights to a relation that was just built.

    `relation`: what was built.
    `grant_config`: roles by privilege, from `grants`.
    `should_revoke`: whether rights from an earlier build may still exist.
#}

{# A file has no roles: whoever can read it can read all of it. Without this macro, dbt-duckdb warns at every model. #}
{% macro duckdb__apply_grants(relation, grant_config, should_revoke=true) %}
{% endmacro %}

{#
    Roles that may not read personal columns get the right to the other columns only. dbt does not see rights to columns, so they are set in
    each build.

    The lock keeps autovacuum out of a table that is not replaced: while gathering statistics, autovacuum would wait for the grant of this
    transaction, and `analyze` in after_build would wait for autovacuum.
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

{# Who may read a table is decided in the catalog or the object store; without this macro, dbt asks for the grants of every model. #}
{% macro spark__apply_grants(relation, grant_config, should_revoke=true) %}
{% endmacro %}
