"""Conditions of questions: what they mean, and that values stay values."""

import pytest

from scripts.metrics.filters import ConditionError, parse_condition, with_values


@pytest.mark.parametrize(
    ("text", "condition"),
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
def test_a_condition_has_a_name_an_operator_and_quoted_values(text: str, condition: str) -> None:
    parsed = parse_condition(text)
    assert with_values(parsed.template(first=0), parsed.values) == condition


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


@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% raw %}", "{# x #}", "}}", "<value 1>", "\\1"])
def test_a_value_is_no_template_and_no_placeholder(value: str) -> None:
    parsed = [parse_condition(f"broker__branch = {value}"), parse_condition("batch in 1, 2")]
    template = " and ".join([parsed[0].template(first=0), parsed[1].template(first=1)])
    values = [*parsed[0].values, *parsed[1].values]
    assert with_values(template, values) == (
        f"{{{{ Dimension('broker__branch') }}}} = '{value}' and {{{{ Entity('batch') }}}} in ('1', '2')"
    )


def test_a_value_with_nul_is_refused() -> None:
    with pytest.raises(ConditionError, match="must not contain"):
        parse_condition("broker__branch = a\x00b")
