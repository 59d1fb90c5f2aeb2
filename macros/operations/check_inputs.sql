{#
    On-run-start: stops with one line that says what to do if there is nothing to build from: no lake, batches without a calendar, from whose first day
    brokers and unknown members hold, a seed that was never loaded, or a table that the selection reads but does not build.
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
        {%- set built = selected_resources if flags.WHICH == "build" else [] -%}
        {%- set seeds = lacking(seeds_below(reading) | reject("in", built)) -%}
        {%- if seeds -%}
            {%- do exceptions.raise_compiler_error(
                "The warehouse lacks the seeds " ~ seeds | join(", ") ~ ". Load them first: dbt seed (or dbt build, which includes them)"
            ) -%}
        {%- endif -%}
        {#- A test may refer to tables only to run after them, so tests do not count, unless there are only tests. -#}
        {%- set building = reading | rejectattr("resource_type", "equalto", "test") | list -%}
        {%- set tables = lacking(tables_below(building or reading, selected_resources)) -%}
        {%- if tables and (building or not has_record()) -%}
            {%- do exceptions.raise_compiler_error(
                "The warehouse lacks " ~ tables[:3] | join(", ") ~ (" and " ~ (tables | length - 3) ~ " more tables" if tables | length > 3 else "")
                ~ ", which the selection reads. Build everything first: dbt build; or only what it needs, with + before the selected name:"
                ~ " dbt build -s +" ~ (building or reading)[0].name
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
