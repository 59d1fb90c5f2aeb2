"""Data for other companies, by a written policy: dumps of what is published, what has changed since the last one, and who was given what.

    policies    `Share`: a policy, read from a file of shares/
    rules       what no policy may do; refuses with the name of the rule
    selection   the SQL of what a policy shares of a table, and the keyed hashes
    dumps       writes a table as Parquet, CSV and JSON lines
    changes     what has been added, modified and deleted since the version before
    index       `Index`: index.json, which says what a version holds
    versions    the folder of the versions of a share, and which of them is current
    build       `build`: what the command calls
    destinations takes the current version to a folder or bucket of the recipient
    signing     says from whom a version is
    checking    whether a folder holds what its index says
    deliveries  records of who was given what

Usage:
    share = read_share(Path("shares/trading_activity.yml"))
    with closing(open_published()) as published:
        outcome = build(share, read_rules(), published)
"""
