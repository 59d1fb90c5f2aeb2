-- check: files.audit_file_beside_each
-- Every data file but BatchDate.txt has its audit file, and every audit file its data file
with data as (
    from source_files
    where name <> 'BatchDate'
),

audited as (
    from audit_files
    where file like '%/%'
)

select
    coalesce(data.file, audited.file) as file,
    data.file is not null as has_data,
    audited.file is not null as has_audit
from data
full join audited on data.file = audited.file
where data.file is null or audited.file is null;

-- check: files.audit_header
-- Every audit file starts with the workload's header line, blanks included
select
    file,
    header
from audit_files
where header <> 'DataSet, BatchID ,Date , Attribute , Value, DValue';

-- check: files.plain_text
-- Files are ASCII, every record ends with CRLF, including the last one (except the XML's root tag)
select
    file,
    ascii,
    lines,
    crlf_lines,
    ends_with_crlf
from file_bytes
where
    not ascii or lines <> crlf_lines
    or (not ends_with_crlf and file not like '%.xml');

-- check: files.batch_dates
-- Each batch has one date, one day after that of the batch before
select
    batch_id,
    batch_date,
    lag(batch_date) over (order by batch_id, rowid) as before
from batch_dates
qualify
    (before is not null and batch_date <> before + 1)
    or count(*) over (partition by batch_id) <> 1;
