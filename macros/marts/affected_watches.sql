{# The condition under which a row of fct_watches is computed again: a batch says something new about the watch of its customer and security. #}
{% macro affected_watches() -%}
    (sk_customer_id, sk_security_id) in (
        select customers.sk_customer_id, securities.sk_security_id
        from (
            select customer_id, symbol from {{ ref("nhl_watch_event") }}
            where {{ new_rows_filter(ref("nhl_watch_event")) }}
        ) as touched
        inner join {{ ref("dim_customer") }} as customers on touched.customer_id = customers.customer_id
        inner join {{ ref("dim_security") }} as securities on touched.symbol = securities.symbol
    )
{%- endmacro %}
