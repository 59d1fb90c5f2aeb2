"""Watch and tell: what failed, hangs, comes late or looks strange, and what to do about it.

    thresholds    the limits, each with its reason (thresholds.yml)
    sight         `Sight`: what one look sees, read when it is asked for: runs, deliveries, sessions, what is published
    deliveries    what has landed of each feed and batch, from the load log of the lake
    sessions      the sessions of a Postgres database: who waits for whom
    statistics    what is usual: median, spread, and the limits that they give
    registry      `CHECKS`: every check with its severity, and what to do
    checks/       runs, feeds, postgres, places, models: the checks themselves
    redaction     what alerts leave out: values that messages quote, and arguments of commands
    state         what is remembered between two looks: alerts, silences, counters
    alerts        which alerts are new, go on, or are over
    notify        tells notification services, each alert once
    metrics       a text file for Prometheus

It reads records, the load log and what the operating system says. It never opens the warehouse file, and needs no dbt.
"""
