"""What programs that serve readers share: one way to read what is published, as a role.

    published     `open_published`: what is published on an engine; the only way in
    sessions      `Published` and `Session`: what readers may ask, and what can go wrong
    duckdb_files  the published files, read-only and locked
    postgres      the published schemas, in the login of a role
    declarations  what is declared in the dbt project: tables, and who may read them
    watchdog      ends what takes too long

Usage:
    published = open_published()
    with published.opened("analyst") as session:
        print(session.manifest.version)
        session.query(f"select count(*) from {session.relation('marts.dim_trade')}")
"""
