"""Is what goes wrong noticed? Each fault is caused for real, and the monitor looks every second.

    bench     a lake with a month of clean days, a warehouse built from it, and the monitor that watches both
    faults    the faults: how each is caused, and how it is repaired
    page      the table in docs/operations.md

`python -m tests.python.detection` causes them all and writes the table.
"""
