"""Data for other companies, by a written policy: dumps of what is published, what has changed since the last one, and who was given what.

    policies    `Share`: a policy, read from a file of shares/
    rules       what no policy may do; refuses with the name of the rule
    comparing   which shares a change of the models breaks
    selection   the SQL of what a policy shares of a table, and the keyed hashes
    dumps       writes a table as Parquet, CSV and JSON lines
    changes     what has been added, modified and deleted since the version before
    index       `Index`: index.json, which says what a version holds
    versions    the folder of the versions of a share, and which of them is current
    build       `build`: what the command calls
    destinations takes the current version to the recipient: files to a folder or bucket, rows to another Postgres or a Redis
    encryption  files that are taken away, for the recipient only
    signing     says from whom a version is
    keys        the key of the hashes of a share, and that of links
    checking    whether a folder holds what its index says
    deliveries  records of who was given what
    offers      what a recipient may have now, of the versions that are there
    delta       tables, files and changes in the words of Delta Sharing; hints: which files can be left out
    profiles    who may ask by Delta Sharing; links: to files, signed; holds: versions stay while links lead to them

Usage:
    share = read_share(Path("shares/trading_activity.yml"))
    with closing(open_published()) as published:
        outcome = build(share, read_rules(), published)
"""
