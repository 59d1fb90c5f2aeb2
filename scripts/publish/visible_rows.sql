-- What readers see at one moment: the rows of each table of the official audit, and those of four facts that find all their dimensions.
-- `{marts}` is the schema that readers have. One statement: all counts are of one version.
with

counts as (
    select 'DimAccount' as table_name, count(*) as row_count, cast(null as bigint) as joined_row_count from {marts}.dim_account
    union all
    select 'DimBroker', count(*), null from {marts}.dim_broker
    union all
    select 'DimCompany', count(*), null from {marts}.dim_company
    union all
    select 'DimCustomer', count(*), null from {marts}.dim_customer
    union all
    select 'DimDate', count(*), null from {marts}.dim_date
    union all
    select 'DimSecurity', count(*), null from {marts}.dim_security
    union all
    select 'DimTime', count(*), null from {marts}.dim_time
    union all
    select 'DimTrade', count(*), null from {marts}.dim_trade
    union all
    select 'Financial', count(*), null from {marts}.financials
    union all
    select 'Industry', count(*), null from {marts}.industries
    union all
    select 'Prospect', count(*), null from {marts}.prospects
    union all
    select 'StatusType', count(*), null from {marts}.status_types
    union all
    select 'TaxRate', count(*), null from {marts}.tax_rates
    union all
    select 'TradeType', count(*), null from {marts}.trade_types
    union all
    select
        'FactCashBalances',
        count(*),
        count(*) filter (
            where dim_customer.sk_customer_id is not null
            and dim_broker.sk_broker_id is not null
            and dim_date.sk_date_id is not null
        )
    from {marts}.fct_cash_balances as cash_balances
    left join {marts}.dim_account as dim_account on cash_balances.sk_account_id = dim_account.sk_account_id
    left join {marts}.dim_customer as dim_customer on cash_balances.sk_customer_id = dim_customer.sk_customer_id
    left join {marts}.dim_broker as dim_broker on dim_account.sk_broker_id = dim_broker.sk_broker_id
    left join {marts}.dim_date as dim_date on cash_balances.sk_date_id = dim_date.sk_date_id
    union all
    select
        'FactHoldings',
        count(*),
        count(*) filter (
            where dim_customer.sk_customer_id is not null
            and dim_broker.sk_broker_id is not null
            and dim_date.sk_date_id is not null
            and dim_time.sk_time_id is not null
            and dim_company.sk_company_id is not null
            and dim_security.sk_security_id is not null
        )
    from {marts}.fct_holdings as holdings
    left join {marts}.dim_account as dim_account on holdings.sk_account_id = dim_account.sk_account_id
    left join {marts}.dim_customer as dim_customer on holdings.sk_customer_id = dim_customer.sk_customer_id
    left join {marts}.dim_broker as dim_broker on dim_account.sk_broker_id = dim_broker.sk_broker_id
    left join {marts}.dim_date as dim_date on holdings.sk_date_id = dim_date.sk_date_id
    left join {marts}.dim_time as dim_time on holdings.sk_time_id = dim_time.sk_time_id
    left join {marts}.dim_company as dim_company on holdings.sk_company_id = dim_company.sk_company_id
    left join {marts}.dim_security as dim_security on holdings.sk_security_id = dim_security.sk_security_id
    union all
    select
        'FactMarketHistory',
        count(*),
        count(*) filter (
            where dim_date.sk_date_id is not null
            and dim_company.sk_company_id is not null
            and dim_security.sk_security_id is not null
        )
    from {marts}.fct_market_history as market_history
    left join {marts}.dim_date as dim_date on market_history.sk_date_id = dim_date.sk_date_id
    left join {marts}.dim_company as dim_company on market_history.sk_company_id = dim_company.sk_company_id
    left join {marts}.dim_security as dim_security on market_history.sk_security_id = dim_security.sk_security_id
    union all
    select
        'FactWatches',
        count(*),
        count(*) filter (
            where dim_customer.sk_customer_id is not null
            and dim_security.sk_security_id is not null
            and dim_date.sk_date_id is not null
        )
    from {marts}.fct_watches as watches
    left join {marts}.dim_customer as dim_customer on watches.sk_customer_id = dim_customer.sk_customer_id
    left join {marts}.dim_security as dim_security on watches.sk_security_id = dim_security.sk_security_id
    left join {marts}.dim_date as dim_date on watches.sk_date_id_date_placed = dim_date.sk_date_id
)

select * from counts
