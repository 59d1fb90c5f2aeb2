{#
    An operation that records in the warehouse that a batch is built and validated. `scripts.batches` runs it, and reads `completed_batches`.

    `batch_id`: number of the batch.
    `digest`: SHA-256 of its files and contracts, in hexadecimal digits.
#}
{% macro mark_batch_complete(batch_id, digest) %}
    {% set relation = operations_relation("completed_batches") %}
    {% do adapter.create_schema(relation) %}
    {% set recording %}
    {%- call in_one_transaction() %}
    create table if not exists {{ relation }} (batch_id integer not null, digest {{ dbt.type_string() }} not null);
    delete from {{ relation }} where batch_id = {{ batch_id | int }};
    insert into {{ relation }} values ({{ batch_id | int }}, '{{ digest }}');
    {% endcall -%}
    {% endset %}
    {% if recording | trim %}
        {% do run_query(recording) %}
    {% endif %}
{% endmacro %}
