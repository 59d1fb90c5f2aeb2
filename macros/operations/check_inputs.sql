{#
    On-run-start: stops with one line that says what to do if there is nothing to build from: no lake, a seed that was never loaded, or batches
    without a calendar, from whose first day brokers and unknown members hold.
#}
{% macro check_inputs() -%}
    {%- set calendar, batches = source("reference", "date"), source("control", "batch_date") -%}
    {%- if execute and flags.WHICH in ("run", "build", "snapshot", "test") -%}
        {%- set selected = graph.nodes.values() | selectattr("unique_id", "in", selected_resources) | list -%}
        {%- set reading = selected | selectattr("resource_type", "in", ["model", "snapshot", "test"]) | list -%}
        {%- if reading and not has_landed() -%}
            {%- do exceptions.raise_compiler_error(
                "Nothing was loaded: " ~ place_of_the_sources() ~ " holds no tables of the sources. Load first: python -m scripts.load"
            ) -%}
        {%- endif -%}
        {%- set reading_calendar = [] -%}
        {%- for node in selected if node.resource_type == "model" and "model." ~ project_name ~ ".bv_date__calendar" in node.depends_on.nodes -%}
            {%- do reading_calendar.append(node.name) -%}
        {%- endfor -%}
        {%- if reading_calendar and has_rows(batches) and not has_rows(calendar) -%}
            {%- do exceptions.raise_compiler_error(
                "The calendar is empty: no row of Date.txt was loaded. Correct the file and load it: python -m scripts.load --feed reference.date"
            ) -%}
        {%- endif -%}
        {%- set missing = [] -%}
        {%- for unique_id in seeds_below(reading) if flags.WHICH != "build" or unique_id not in selected_resources -%}
            {%- set seed = graph.nodes[unique_id] -%}
            {%- if load_relation(api.Relation.create(database=seed.database, schema=seed.schema, identifier=seed.alias)) is none -%}
                {%- do missing.append(seed.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                "The warehouse lacks the seeds " ~ missing | sort | join(", ") ~ ". Load them first: dbt seed (or dbt build, which includes them)"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
