"""A warehouse on any engine, and dbt, which builds it.

    settings      the engines, and where a Postgres database is
    base          `Warehouse`: query it, count and compare its tables, empty it, save and restore it
    fingerprints  the recipe of fingerprints, the same on every engine
    engines       `WAREHOUSES`: the class of each engine, among them `DuckDBWarehouse` and `PostgresWarehouse`
    workspace     `Workspace`: a folder with source files, lake and warehouse, and dbt as a command
    dbt           `Project`: dbt in this process
    clock         `utc_now`
    process       `run_in_subprocess`: work in a separate process, measured
    processes     the processes of this machine: who is alive, what they do, who holds a file

Usage:
    with WAREHOUSES[Target.DUCKDB].temporary(folder) as warehouse:
        workspace = Workspace(folder, warehouse)
        workspace.enter()
        Project().run("build").ensure_green()
        print(warehouse.query("select count(*) from marts.dim_trade"), warehouse.fingerprints())

A further engine is one more subclass of `Warehouse`, a `Target`, and a line in `engines`.
"""
