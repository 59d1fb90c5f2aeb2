"""Conditions of questions: what they mean, and that values stay values."""

import pytest

from scripts.metrics.filters import ConditionError, parse_condition


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("customer__tier = 1", "{{ Dimension('customer__tier') }} = '1'"),
        ("customer__tier<>1", "{{ Dimension('customer__tier') }} <> '1'"),
        ("batch in 1, 2", "{{ Entity('batch') }} in ('1', '2')"),
        ("batch IN 1", "{{ Entity('batch') }} in ('1')"),
        (
            "metric_time__month >= 2017-01-01",
            "{{ TimeDimension('metric_time', 'month') }} >= '2017-01-01'",
        ),
        ("metric_time < 2017-01-01", "{{ TimeDimension('metric_time') }} < '2017-01-01'"),
        ("broker__branch = 'North'", "{{ Dimension('broker__branch') }} = 'North'"),
        ("broker__branch = O'Hara", "{{ Dimension('broker__branch') }} = 'O''Hara'"),
        ("broker__branch = 'O''Hara'", "{{ Dimension('broker__branch') }} = 'O''Hara'"),
        ("broker__branch =", "{{ Dimension('broker__branch') }} = ''"),
        ("broker__branch = a = b", "{{ Dimension('broker__branch') }} = 'a = b'"),
    ],
)
def test_a_condition_has_a_name_an_operator_and_quoted_values(text: str, template: str) -> None:
    assert parse_condition(text).template() == template


@pytest.mark.parametrize(
    "text",
    [
        "",
        "customer__tier",
        "= 1",
        "customer__tier like x",
        "a.b = 1",
        "1 = 1 or customer__tier = 1",
    ],
)
def test_what_is_no_condition_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ConditionError, match="customer__tier = 1"):
        parse_condition(text)


@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% raw %}", "{# x #}", "}}", "a\x00b"])
def test_a_value_cannot_be_a_template(value: str) -> None:
    with pytest.raises(ConditionError, match="must not contain"):
        parse_condition(f"broker__branch = {value}")
