-- What: every check of the official audit is OK.
-- Why: the audit compares the warehouse with the official figures of the sources, and the tables with each other.
-- Excused is only what a known fault of the official figures explains to the row: the gap between expected and found
--   is the one computed in int_audit_excuses, and as many birth dates more as were erased with their customers. The
--   explanation is in audit_results all the same.
-- Sources of a real system come without figures: then there is nothing to compare with, and load_log lists the files
--   as missing.
-- A returned row: a check that is not OK, with what was expected and what was found.
-- Last, so that what counts the results is there: {{ ref("batch_summary") }}
with

audit_results as (
    select * from {{ ref('audit_results') }}
),

excuses as (
    select * from {{ ref('int_audit_excuses') }}
)

select
    audit_results.check_number,
    audit_results.check_name,
    audit_results.batch_id,
    audit_results.result,
    audit_results.description,
    audit_results.explanation
from audit_results
left join excuses
    on
        audit_results.check_number = excuses.check_number
        and audit_results.batch_id = excuses.batch_id
        and audit_results.expected - audit_results.found
        between excuses.excused_gap and excuses.excused_gap + excuses.erased_count
where
    audit_results.result <> 'OK'
    and excuses.check_number is null
    and exists (select 1 from {{ ref('stg_control__audit_counts') }})
