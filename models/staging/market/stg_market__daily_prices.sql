with

daily_market as (
    select * from {{ source('market', 'daily_market') }}
),

renamed as (
    select
        ---------- ids
        dm_s_symb as symbol,
        dm_date as price_date,
        ---------- attributes
        dm_close as close_price,
        dm_high as high_price,
        dm_low as low_price,
        dm_vol as volume_count,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        ---------- load
        {{ load_columns() }}
    from daily_market
)

select * from renamed
