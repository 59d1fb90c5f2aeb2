{{ config(materialized="table", contract={"enforced": true}) }}

with

figures as (
    {{- union_all([
        ref("int_fact_figures__watches"),
        ref("int_fact_figures__market_history"),
        ref("int_fact_figures__holdings"),
        ref("int_fact_figures__cash_balances"),
    ]) }}
)

select * from figures
