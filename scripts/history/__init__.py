"""The history of runs: what each load, build, test and publish did, when, and how it ended."""
