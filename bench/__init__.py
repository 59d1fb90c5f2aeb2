"""Measure the project on this machine: figures and ratios.

Usage:
    python -m bench                                     scales 1, 3, 10 on DuckDB and Postgres; hours
    python -m bench --scales 0.1 --engines duckdb       a first look; minutes
    python -m bench --parts build,replay --scales 10    measure two parts of one scale again
    python -m bench --missing                           only what has not been measured, or has failed

A part is one kind of measurement (`bench.parts`) of one generated dataset on one engine. Its result is kept as a
JSON file, and `docs/benchmarks.md` with its plots is written from all the files that are there. So a run may be stopped,
continued, or repeated for some parts only.
"""
