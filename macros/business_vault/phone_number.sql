{#
    A telephone number as it is written, from the four columns `<phone>_country_code`, `_area_code`, `_local_number` and `_extension`:
    `+1 (872) 523-8928`, directly followed by the extension. Without a local number it is NULL; a country code needs an area code.

    `phone`: prefix of the four columns, for example `phone_1`.
#}
{% macro phone_number(phone) -%}
    case
        when {{ phone }}_area_code is not null and {{ phone }}_country_code is not null
            then '+' || {{ phone }}_country_code || ' '
        else ''
    end
    || coalesce('(' || {{ phone }}_area_code || ') ', '')
    || {{ phone }}_local_number
    || coalesce({{ phone }}_extension, '')
{%- endmacro %}
