"""What is sent to others quotes no value and no argument of a command."""

import pytest

from scripts.monitor.redaction import program_of, without_values


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "last_name has 42 characters, at most 30 fit: 'Wolfeschlegelsteinhausen'",
            "last_name has 42 characters, at most 30 fit: '...'",
        ),
        ("Could not convert string 'O''Hara' to INT32", "Could not convert string '...' to INT32"),
        (
            'invalid input syntax for type integer: "123-45-6789"',
            'invalid input syntax for type integer: "..."',
        ),
        ("Key (tax_id)=(123-45-6789) already exists.", "Key (tax_id)=(...) already exists."),
        ("dim_trade__unique is red", "dim_trade__unique is red"),
        (None, ""),
    ],
)
def test_a_message_loses_what_it_quotes(message: str | None, told: str) -> None:
    assert without_values(message) == told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            "/usr/bin/python3 -m scripts.load --sources s3://key:secret@bucket",
            "python3 -m scripts.load",
        ),
        ("psql postgresql://loader:secret@db/x", "psql"),
        ("/opt/bin/duckdb -c 123-45-6789", "duckdb"),
        ("python -m", "python"),
        ("", ""),
    ],
)
def test_of_a_command_only_the_program_is_told(command: str, told: str) -> None:
    assert program_of(command) == told
