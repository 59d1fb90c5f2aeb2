{#
    A table of the schema `operations`, where the warehouse keeps what it knows about its own builds:
    `lake_batches` (a view: what the lake holds), `landed_batches` (what it held when a run began), `last_build` (what it held when the last run
    began, and whether that run left nothing undone), `vault_batches` (what each table of the raw vault has taken),
    `model_inputs` (what each other table has taken of each of its inputs), `input_states` (a view over both) and
    `completed_batches` (what `scripts.batches` has built and validated). A schema of its own: the schemas of the layers hold data only.
#}
{% macro operations_relation(name) -%}
    {{ return(api.Relation.create(database=target.database or none, schema="operations", identifier=name, type="table")) }}
{%- endmacro %}
