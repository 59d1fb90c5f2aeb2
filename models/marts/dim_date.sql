with

dates as (
    select * from {{ ref('bv_date__calendar') }}
),

renamed as (
    select
        date_id as sk_date_id,
        date_value,
        date_description as date_desc,
        calendar_year_id,
        calendar_year_description as calendar_year_desc,
        calendar_quarter_id as calendar_qtr_id,
        calendar_quarter_description as calendar_qtr_desc,
        calendar_month_id,
        calendar_month_description as calendar_month_desc,
        calendar_week_id,
        calendar_week_description as calendar_week_desc,
        day_of_week_number as day_of_week_num,
        day_of_week_description as day_of_week_desc,
        fiscal_year_id,
        fiscal_year_description as fiscal_year_desc,
        fiscal_quarter_id as fiscal_qtr_id,
        fiscal_quarter_description as fiscal_qtr_desc,
        is_holiday as holiday_flag
    from dates
)

select * from renamed
