-- What: every line of the feed is a row of ref_date, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        sk_date_id,
        date_value,
        date_desc,
        calendar_year_id,
        calendar_year_desc,
        calendar_qtr_id,
        calendar_qtr_desc,
        calendar_month_id,
        calendar_month_desc,
        calendar_week_id,
        calendar_week_desc,
        day_of_week_num,
        day_of_week_desc,
        fiscal_year_id,
        fiscal_year_desc,
        fiscal_qtr_id,
        fiscal_qtr_desc,
        holiday_flag,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('reference', 'date') }}
),

rebuilt as (
    select
        ref_date.date_id as sk_date_id,
        ref_date.date_value,
        ref_date.date_description as date_desc,
        ref_date.calendar_year_id,
        ref_date.calendar_year_description as calendar_year_desc,
        ref_date.calendar_quarter_id as calendar_qtr_id,
        ref_date.calendar_quarter_description as calendar_qtr_desc,
        ref_date.calendar_month_id,
        ref_date.calendar_month_description as calendar_month_desc,
        ref_date.calendar_week_id,
        ref_date.calendar_week_description as calendar_week_desc,
        ref_date.day_of_week_number as day_of_week_num,
        ref_date.day_of_week_description as day_of_week_desc,
        ref_date.fiscal_year_id,
        ref_date.fiscal_year_description as fiscal_year_desc,
        ref_date.fiscal_quarter_id as fiscal_qtr_id,
        ref_date.fiscal_quarter_description as fiscal_qtr_desc,
        ref_date.is_holiday as holiday_flag,
        ref_date.batch_id,
        ref_date.record_source as source_file,
        ref_date.source_row,
        ref_date.loaded_at
    from {{ ref('ref_date') }} as ref_date
)

{{ differences("delivered", "rebuilt") }}
