with

dates as (
    select * from {{ source('reference', 'date') }}
),

renamed as (
    select
        ---------- ids
        sk_date_id as date_id,
        ---------- attributes
        date_value,
        date_desc as date_description,
        calendar_year_id,
        calendar_year_desc as calendar_year_description,
        calendar_qtr_id as calendar_quarter_id,
        calendar_qtr_desc as calendar_quarter_description,
        calendar_month_id,
        calendar_month_desc as calendar_month_description,
        calendar_week_id,
        calendar_week_desc as calendar_week_description,
        day_of_week_num as day_of_week_number,
        day_of_week_desc as day_of_week_description,
        fiscal_year_id,
        fiscal_year_desc as fiscal_year_description,
        fiscal_qtr_id as fiscal_quarter_id,
        fiscal_qtr_desc as fiscal_quarter_description,
        holiday_flag as is_holiday,
        ---------- load
        {{ load_columns() }}
    from dates
)

select * from renamed
