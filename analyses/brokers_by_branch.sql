-- How large are the branches, and how many of their brokers report to a manager who is also a broker?
-- One row per branch; brokers without a branch are under NULL.
with

brokers as (
    select * from {{ ref('dim_broker') }}
),

branches as (
    select
        brokers.branch,
        count(*) as broker_count,
        count(managers.broker_id) as managed_by_a_broker_count
    from brokers
    left join brokers as managers on brokers.manager_id = managers.broker_id
    group by brokers.branch
)

select * from branches
order by broker_count desc, branch asc
