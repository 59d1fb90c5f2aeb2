with

message_texts as (
    select * from {{ ref('message_texts') }}
),

phases as (
    select * from {{ ref('int_batches__phases') }}
),

written as (
    {{- union_all([
        ref("int_messages__row_counts"),
        ref("int_messages__inactive_customers"),
        ref("int_messages__inactive_watches"),
        ref("int_messages__phases_complete"),
        ref("int_messages__prospect_status"),
        ref("int_messages__invalid_ratings"),
        ref("int_messages__invalid_tiers"),
        ref("int_messages__impossible_birth_dates"),
        ref("int_messages__excessive_charges"),
        ref("int_messages__missing_earnings"),
        ref("int_messages__implausible_rows"),
        ref("int_messages__unknown_members"),
        ref("int_messages__uncertain_withdrawals"),
    ]) }}
),

-- A left join, so that a code without a text violates the contract instead of dropping the message.
worded as (
    select
        phases.logged_at as message_date_and_time,
        written.batch_id,
        written.message_source,
        message_texts.message_text,
        message_texts.message_type,
        cast(substring(written.message_data, 1, 100) as varchar(100)) as message_data
    from written
    inner join phases on written.batch_id = phases.batch_id
    left join message_texts on written.message_code = message_texts.message_code
)

select * from worded
