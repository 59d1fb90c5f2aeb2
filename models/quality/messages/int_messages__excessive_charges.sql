with

trades as (
    select * from {{ ref('bv_trade__life_cycle') }}
),

-- A trade gets its charges in the batch in which it completes, which is that of its last change.
written as (
    select
        'invalid_commission' as message_code,
        batch_id,
        'DimTrade' as message_source,
        'T_ID = ' || cast(trade_id as {{ dbt.type_string() }})
        || ', T_COMM = ' || cast(commission_amount as {{ dbt.type_string() }}) as message_data
    from trades
    where commission_amount > trade_price * quantity
    union all
    select
        'invalid_fee' as message_code,
        batch_id,
        'DimTrade' as message_source,
        'T_ID = ' || cast(trade_id as {{ dbt.type_string() }})
        || ', T_CHRG = ' || cast(fee_amount as {{ dbt.type_string() }}) as message_data
    from trades
    where fee_amount > trade_price * quantity
)

select * from written
