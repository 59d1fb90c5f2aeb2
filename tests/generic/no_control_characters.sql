{#
    The text contains neither U+001E nor U+001F, which hashes use for NULL and between their parts: with one of them in a value, two
    different keys could have the same hash. A returned row is such a value.
#}
{% test no_control_characters(model, column_name) %}

select {{ column_name }}
from {{ model }}
where {{ column_name }} <> translate({{ column_name }}, chr(30) || chr(31), '')

{% endtest %}
