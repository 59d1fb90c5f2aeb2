with

customers as (
    select * from {{ ref('bv_customer__state') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

matches as (
    select * from {{ ref('bv_prospect__customer_match') }}
),

prospects as (
    select * from {{ ref('bv_prospect__history') }}
),

hub_prospect as (
    select * from {{ ref('hub_prospect') }}
),

-- A version of a customer is looked up once, on the date of its batch: earlier versions of that batch have ended.
version_moments as (
    select
        customers.customer_hk,
        customers.valid_from as customer_valid_from,
        customers.valid_from,
        greatest(customers.valid_from, batches.batch_date) as looked_up_on,
        customers.batch_id
    from customers
    inner join batches on customers.batch_id = batches.batch_id
),

-- And again when a prospect that matches it at some time changes in a later batch.
prospect_moments as (
    select distinct
        customers.customer_hk,
        customers.valid_from as customer_valid_from,
        prospects.valid_from,
        prospects.valid_from as looked_up_on,
        prospects.batch_id
    from matches
    inner join customers
        on
            matches.customer_hk = customers.customer_hk
            and matches.customer_valid_from = customers.valid_from
    inner join prospects
        on
            matches.prospect_hk = prospects.prospect_hk
            and customers.valid_from < prospects.valid_from
            and customers.valid_to > prospects.valid_from
            and customers.batch_id < prospects.batch_id
),

moments as (
    select * from version_moments
    union all
    select * from prospect_moments
),

-- Of several matching prospects the one updated last, then the one with the smallest key, describes the customer.
ranked as (
    select
        moments.customer_hk,
        moments.valid_from,
        moments.batch_id,
        matches.prospect_hk,
        hub_prospect.prospect_id,
        prospects.credit_rating,
        prospects.net_worth_amount,
        prospects.marketing_nameplate,
        row_number() over (
            partition by moments.customer_hk, moments.valid_from
            order by prospects.valid_from desc nulls last, {{ binary_collation('hub_prospect.prospect_id') }} asc
        ) as preference
    from moments
    left join matches
        on
            moments.customer_hk = matches.customer_hk
            and moments.customer_valid_from = matches.customer_valid_from
            and moments.looked_up_on >= matches.valid_from
            and moments.looked_up_on < matches.valid_to
    left join prospects
        on
            matches.prospect_hk = prospects.prospect_hk
            and matches.prospect_valid_from = prospects.valid_from
    left join hub_prospect on matches.prospect_hk = hub_prospect.prospect_hk
),

preferred as (
    select * from ranked
    where preference = 1
),

{{ collapse_repeats(
    "preferred", "customer_hk", ["prospect_id", "credit_rating", "net_worth_amount", "marketing_nameplate"]
) }},

{{ end_dated("changed", "customer_hk") }},

selected as (
    select
        ---------- ids
        customer_hk,
        prospect_hk,
        prospect_id,
        ---------- attributes
        credit_rating,
        net_worth_amount,
        marketing_nameplate,
        ---------- validity
        valid_from,
        valid_to,
        is_current,
        ---------- load
        batch_id
    from versions
)

select * from selected
