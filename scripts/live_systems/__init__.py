"""Living systems for trying out extraction: they hold what a generated dataset holds, and run on this machine only."""
