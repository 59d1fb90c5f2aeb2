with

customer_quarters as (
    select * from {{ ref('ftr_customer_quarters') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

customers as (
    select * from {{ ref('hub_customer') }}
),

customer_states as (
    select * from {{ ref('bv_customer__state') }}
),

account_states as (
    select * from {{ ref('bv_account__state') }}
),

inactivations as (
    select
        customer_hk,
        valid_from as left_on
    from customer_states
    where status_code = 'INAC'
),

account_steps as (
    select
        customer_hk,
        valid_from,
        status_code,
        lag(status_code) over (partition by account_hk order by valid_from) as previous_status_code
    from account_states
),

account_changes as (
    select
        customer_hk,
        valid_from,
        sum(
            case when status_code = 'ACTV' then 1 else 0 end
            - case when previous_status_code = 'ACTV' then 1 else 0 end
        ) as opened_count
    from account_steps
    group by customer_hk, valid_from
),

open_accounts as (
    select
        customer_hk,
        valid_from,
        opened_count,
        sum(opened_count) over (partition by customer_hk order by valid_from) as open_account_count
    from account_changes
),

departures as (
    select
        customer_hk,
        left_on
    from inactivations
    union all
    select
        customer_hk,
        valid_from as left_on
    from open_accounts
    where
        opened_count < 0
        and open_account_count = 0
),

last_day as (
    select max(batch_date) as batch_date
    from batches
),

-- Whether somebody has left within 90 days is known when 90 days are over.
settled as (
    select
        customer_quarters.customer_id,
        customer_quarters.as_of_date,
        customers.customer_hk,
        cast({{ dbt.dateadd("day", 90, "customer_quarters.as_of_date") }} as date) as last_day_on
    from customer_quarters
    inner join customers on customer_quarters.customer_id = customers.customer_id
    cross join last_day
    where {{ dbt.dateadd("day", 90, "customer_quarters.as_of_date") }} <= last_day.batch_date
),

labeled as (
    select
        settled.customer_id,
        settled.as_of_date,
        min(departures.left_on) is not null as has_left,
        cast(min(departures.left_on) as date) as left_on
    from settled
    left join departures
        on
            settled.customer_hk = departures.customer_hk
            and settled.as_of_date < departures.left_on
            and settled.last_day_on >= departures.left_on
    group by settled.customer_id, settled.as_of_date
)

select * from labeled
