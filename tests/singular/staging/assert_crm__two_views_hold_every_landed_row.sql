-- What: every landed action is one row of the view of customer actions, and every landed account
--   one row of the view of account actions.
-- Why: one row of the feed is an action with one account, so the two views count differently from
--   the feed and from each other. A row that both leave out would be lost silently.
-- A returned row: a file, with what the loader logged, what the feed holds and what the views show
--   of it.
with

counts as (
    select
        batch_id,
        source_file as record_source,
        rows_landed,
        0 as rows_in_feed,
        0 as actions_in_feed,
        0 as actions_in_view,
        0 as accounts_in_feed,
        0 as accounts_in_view
    from {{ source('control', 'load_log') }}
    where
        system = 'crm'
        and feed = 'customer_mgmt'
    union all
    select
        batch_id,
        source_file as record_source,
        0 as rows_landed,
        count(*) as rows_in_feed,
        count(distinct source_row) as actions_in_feed,
        0 as actions_in_view,
        count(ca_id) as accounts_in_feed,
        0 as accounts_in_view
    from {{ source('crm', 'customer_mgmt') }}
    group by batch_id, source_file
    union all
    select
        batch_id,
        record_source,
        0 as rows_landed,
        0 as rows_in_feed,
        0 as actions_in_feed,
        1 as actions_in_view,
        0 as accounts_in_feed,
        0 as accounts_in_view
    from {{ ref('stg_crm__customer_actions') }}
    union all
    select
        batch_id,
        record_source,
        0 as rows_landed,
        0 as rows_in_feed,
        0 as actions_in_feed,
        0 as actions_in_view,
        0 as accounts_in_feed,
        1 as accounts_in_view
    from {{ ref('stg_crm__account_actions') }}
),

files as (
    select
        batch_id,
        record_source,
        sum(rows_landed) as rows_landed,
        sum(rows_in_feed) as rows_in_feed,
        sum(actions_in_feed) as actions_in_feed,
        sum(actions_in_view) as actions_in_view,
        sum(accounts_in_feed) as accounts_in_feed,
        sum(accounts_in_view) as accounts_in_view
    from counts
    group by batch_id, record_source
)

select * from files
where
    rows_landed <> rows_in_feed
    or actions_in_feed <> actions_in_view
    or accounts_in_feed <> accounts_in_view
