{#
    An operation that records that the last build was green and left nothing undone, so the next one needs only what has moved since. Not if another
    build has begun meanwhile, which has removed the rows of this one.

    `invocation`: the invocation of dbt that has built.
    `project_digest`: SHA-256 of the project, in hexadecimal digits.
    `relations_digest`: SHA-256 of the names of the tables and views that it has left, in hexadecimal digits.
    `accepted_tests`: names of tests that are red and were accepted, separated by blanks; empty if all are green.
#}
{% macro mark_last_build(invocation, project_digest, relations_digest, accepted_tests) %}
    {% set recording %}
    {%- call in_one_transaction() %}
    update {{ operations_relation("last_build") }}
    set
        project_digest = '{{ project_digest }}',
        relations_digest = '{{ relations_digest }}',
        accepted_tests = nullif('{{ accepted_tests or "" }}', '')
    where invocation_id = '{{ invocation }}';
    {% endcall -%}
    {% endset %}
    {% if recording | trim %}
        {% do run_query(recording) %}
    {% endif %}
{% endmacro %}
