-- What: the lake still has every batch that the raw vault has taken.
-- Why: without it, the vault cannot be rebuilt, and the tests that compare the vault with the lake are red
--   and do not say why.
-- A returned row: the feed and the batch. Load it again; or accept the loss with `dbt build --full-refresh`.
-- Last, so that the tables that explain it are there: {{ ref("di_messages") }}, {{ ref("audit_results") }},
--   {{ ref("batch_summary") }}
with

load_log as (
    select * from {{ ref('load_log') }}
),

taken as (
    select distinct
        feed,
        batch_id
    from {{ operations_relation("vault_batches") }}
    where batch_id > 0
)

select
    taken.feed,
    taken.batch_id
from taken
where
    not exists (
        select 1 from load_log
        where
            load_log.batch_id = taken.batch_id
            and load_log.system || '.' || load_log.feed = taken.feed
    )
