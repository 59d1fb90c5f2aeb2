{{ config(materialized="table", contract={"enforced": true}) }}

with

batches as (
    select * from {{ ref('stg_control__batches') }}
),

audit_counts as (
    select * from {{ ref('stg_control__audit_counts') }}
),

published as (
    select
        batches.batch_id,
        max(case when audit_counts.attribute = 'FirstDay' then audit_counts.date_value end) as first_day,
        max(case when audit_counts.attribute = 'LastDay' then audit_counts.date_value end) as last_day,
        {{ audit_figure("DimBroker", "HR_BROKERS") }} as hr_brokers,
        {{ audit_figure("DimAccount", "CA_ADDACCT") }} as ca_addacct,
        {{ audit_figure("DimAccount", "CA_CLOSEACCT") }} as ca_closeacct,
        {{ audit_figure("DimAccount", "CA_UPDACCT") }} as ca_updacct,
        {{ audit_figure("DimAccount", "CA_ID_HIST") }} as ca_id_hist,
        {{ audit_figure("DimCustomer", "C_NEW") }} as c_new,
        {{ audit_figure("DimCustomer", "C_UPDCUST") }} as c_updcust,
        {{ audit_figure("DimCustomer", "C_INACT") }} as c_inact,
        {{ audit_figure("DimCustomer", "C_ID_HIST") }} as c_id_hist,
        {{ audit_figure("DimCustomer", "C_DOB_TO") }} as c_dob_to,
        {{ audit_figure("DimCustomer", "C_DOB_TY") }} as c_dob_ty,
        {{ audit_figure("DimCustomer", "C_TIER_INV") }} as c_tier_inv,
        {{ audit_figure("DimCompany", "FW_CMP") }} as fw_cmp,
        {{ audit_figure("DimSecurity", "FW_SEC") }} as fw_sec,
        {{ audit_figure("Financial", "FW_FIN") }} as fw_fin,
        {{ audit_figure("DimTrade", "T_NEW") }} as t_new,
        {{ audit_figure("DimTrade", "T_CanceledTrades") }} as t_canceled_trades,
        {{ audit_figure("DimTrade", "T_InvalidCommision") }} as t_invalid_commission,
        {{ audit_figure("DimTrade", "T_InvalidCharge") }} as t_invalid_charge,
        {{ audit_figure("FactWatches", "WH_ACTIVE") }} as wh_active,
        {{ audit_figure("FactWatches", "WH_RECORDS") }} as wh_records,
        {{ audit_figure("FactMarketHistory", "DM_RECORDS") }} as dm_records,
        {{ audit_figure("FactHoldings", "HH_RECORDS") }} as hh_records
    from batches
    left join audit_counts on batches.batch_id = audit_counts.audited_batch_id
    group by batches.batch_id
)

select * from published
