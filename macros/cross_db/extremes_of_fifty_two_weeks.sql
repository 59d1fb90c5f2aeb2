{#
    All columns of the days of a symbol, and the greatest `high_and_day` and the least `low_and_day` of the calendar year up to each day, as `year_high`
    and `year_low`: 365 or 366 days including the day itself, without the same day of the year before. What the two numbers are: docs/decisions/0016.

    `days`: relation with symbol, price_date, high_and_day and low_and_day.
#}
{% macro extremes_of_fifty_two_weeks(days) -%}
    {{ return(adapter.dispatch("extremes_of_fifty_two_weeks")(days)) }}
{%- endmacro %}

{% macro default__extremes_of_fifty_two_weeks(days) %}
    select
        {{ days }}.*,
        max(high_and_day) over fifty_two_weeks as year_high,
        min(low_and_day) over fifty_two_weeks as year_low
    from {{ days }}
    window fifty_two_weeks as (
        partition by symbol
        order by price_date
        range between interval '1 year -1 day' preceding and current row
    )
{%- endmacro %}

{# Postgres would read every day of every period. A period consists of the rest of one calendar year and the beginning of the next, or of the
   beginning of one only; so its extremes are combined from those parts, whose windows only grow. #}
{% macro postgres__extremes_of_fifty_two_weeks(days) %}
    with

    yearly as (
        select
            {{ days }}.*,
            date_trunc('year', price_date) as year_start,
            max(high_and_day) over year_to_date as high_to_date,
            min(low_and_day) over year_to_date as low_to_date,
            max(high_and_day) over rest_of_year as high_from_here,
            min(low_and_day) over rest_of_year as low_from_here
        from {{ days }}
        window
            year_to_date as (partition by symbol, date_trunc('year', price_date) order by price_date),
            rest_of_year as (partition by symbol, date_trunc('year', price_date) order by price_date desc)
    ),

    framed as (
        select
            *,
            first_value(year_start) over fifty_two_weeks as first_year_start,
            first_value(high_from_here) over fifty_two_weeks as high_from_first,
            first_value(low_from_here) over fifty_two_weeks as low_from_first
        from yearly
        window fifty_two_weeks as (
            partition by symbol
            order by price_date
            range between interval '1 year -1 day' preceding and current row
        )
    )

    select
        framed.*,
        greatest(high_to_date, case when first_year_start < year_start then high_from_first end) as year_high,
        least(low_to_date, case when first_year_start < year_start then low_from_first end) as year_low
    from framed
{%- endmacro %}

{# Only a frame over timestamps can have an interval of both years and days. #}
{% macro spark__extremes_of_fifty_two_weeks(days) %}
    select
        {{ days }}.*,
        max(high_and_day) over fifty_two_weeks as year_high,
        min(low_and_day) over fifty_two_weeks as year_low
    from {{ days }}
    window fifty_two_weeks as (
        partition by symbol
        order by to_timestamp_ltz(price_date)
        range between cast('1 year -1 day' as interval) preceding and current row
    )
{%- endmacro %}
