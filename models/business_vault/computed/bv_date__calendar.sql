{{ config(materialized="view") }}

with

listed as (
    {{- first_listed(ref('ref_date'), ["date_id", "date_value"]) }}
),

selected as (
    select
        ---------- ids
        date_id,
        date_value,
        ---------- attributes
        date_description,
        calendar_year_id,
        calendar_year_description,
        calendar_quarter_id,
        calendar_quarter_description,
        calendar_month_id,
        calendar_month_description,
        calendar_week_id,
        calendar_week_description,
        day_of_week_number,
        day_of_week_description,
        fiscal_year_id,
        fiscal_year_description,
        fiscal_quarter_id,
        fiscal_quarter_description,
        is_holiday,
        ---------- load
        batch_id,
        record_source,
        source_row
    from listed
)

select * from selected
