"""Faults on purpose: whatever fails while batches are loaded and built, a plain re-run gives the right warehouse.

    workbench     a small dataset, the warehouse that it should become, and child processes that work on it
    kills         SIGKILL at random moments
    environment   a full disk, a lake that cannot be written, damaged Parquet, a wrong clock, two runs at once
    mutations     damaged source files
    values        plausible but wrong values in them

Every fault gives an `Outcome`; `python -m tests.python.faults` runs them all.
"""
