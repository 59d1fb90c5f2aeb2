"""Write, audit, publish: what a green build has made is copied for its readers, as a whole, beside what they read until then.

    tables            what each role reads, from the declarations of the models
    versions          `Versions`: the folder of published versions, and which of them is current
    manifest          `Manifest`: what a version holds
    duckdb_files      writes the files of a version: one for each role
    postgres_schemas  writes the schemas that the roles read on Postgres
    run               `publish`: what the command, builds and replays call
    watch             counts what readers see while builds are published

Usage:
    publication = publish(warehouse, Path("data/published"))
    print(publication.manifest.version, publication.is_new)
"""
