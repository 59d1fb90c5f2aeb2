{#
    The time of day of a timestamp, in whole seconds: of the type `time`, or on engines without this type the text `HH:MM:SS`.

    `moment`: SQL expression of type timestamp.
#}
{% macro time_of_day(moment) -%}
    {{ return(adapter.dispatch("time_of_day")(moment)) }}
{%- endmacro %}

{% macro default__time_of_day(moment) -%}
    cast(date_trunc('second', {{ moment }}) as time)
{%- endmacro %}

{% macro spark__time_of_day(moment) -%}
    date_format({{ moment }}, 'HH:mm:ss')
{%- endmacro %}

{#
    The seconds from midnight to a time of day, as a number.

    `time`: column with a time of day, see `time_of_day`.
#}
{% macro second_of_day(time) -%}
    {{ return(adapter.dispatch("second_of_day")(time)) }}
{%- endmacro %}

{% macro default__second_of_day(time) -%}
    extract(epoch from {{ time }})
{%- endmacro %}

{% macro spark__second_of_day(time) -%}
    (hour({{ time }}) * 3600 + minute({{ time }}) * 60 + second({{ time }}))
{%- endmacro %}
