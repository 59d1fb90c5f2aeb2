{# The expression is true in every row, not merely unknown. A returned row is one in which it is not. #}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where ({{ expression }}) is not true

{% endtest %}
