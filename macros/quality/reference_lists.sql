{# The lists among the marts: by name, the table of the raw vault that each shows, and the columns of it that are keys. #}
{% macro reference_lists() -%}
    {{ return({
        "dim_date": {"table": "ref_date", "keys": ["date_id", "date_value"]},
        "dim_time": {"table": "ref_time", "keys": ["time_id", "time_value"]},
        "industries": {"table": "ref_industry", "keys": ["industry_code"]},
        "status_types": {"table": "ref_status_type", "keys": ["status_code"]},
        "tax_rates": {"table": "ref_tax_rate", "keys": ["tax_rate_code"]},
        "trade_types": {"table": "ref_trade_type", "keys": ["trade_type_code"]},
    }) }}
{%- endmacro %}
