"""The settings of Spark are those of the profile, and the page about them names each variable."""

import re

import pytest

from scripts.warehouse.settings import ROOT, Target
from scripts.warehouse.spark_warehouse import SparkWarehouse, session_settings

IN_THE_PROFILE = set(re.findall(r"SPARK_\w+", (ROOT / "profiles" / "profiles.yml").read_text()))


def test_the_page_names_each_variable_of_the_profile_and_no_other() -> None:
    rows = re.findall(r"^\| `(SPARK_\w+)` \|", (ROOT / "docs" / "spark.md").read_text(), re.M)
    # Where Spark itself finds its other settings.
    assert set(rows) == IN_THE_PROFILE - {"SPARK_CONF_DIR"}


def test_settings_follow_the_environment_and_an_empty_variable_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in IN_THE_PROFILE:
        monkeypatch.setenv(name, "")
    assert session_settings()["spark.sql.warehouse.dir"] == "data/spark/tables"
    assert session_settings()["spark.hadoop.iceberg.engine.hive.lock-enabled"] == "false"
    monkeypatch.setenv("SPARK_WAREHOUSE", "s3a://bucket/warehouse")
    monkeypatch.setenv("SPARK_CATALOG_URI", "thrift://host:9083")
    settings = session_settings()
    assert settings["spark.sql.warehouse.dir"] == "s3a://bucket/warehouse/tables"
    assert settings["spark.hadoop.hive.metastore.uris"] == "thrift://host:9083"
    assert settings["spark.hadoop.iceberg.engine.hive.lock-enabled"] == "true"


def test_a_warehouse_is_that_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = SparkWarehouse("/data/spark", "thrift://host:9083")
    for name, value in warehouse.environment.items():
        monkeypatch.setenv(name, value)
    assert SparkWarehouse.from_environment() == warehouse
    assert warehouse.environment["DBT_TARGET"] == Target.SPARK
    assert warehouse.label == "thrift://host:9083"


def test_a_list_has_the_name_of_the_type_of_its_items_and_brackets() -> None:
    described = [("tags", "array<string>", None), ("price", "decimal(10,2)", None)]
    types = SparkWarehouse("/data/spark").column_types(lambda _: described, "marts.example")
    assert types == {"tags": "string[]", "price": "decimal(10,2)"}
