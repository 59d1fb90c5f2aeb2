"""`python -m brokerage_sources.generate`."""

from brokerage_sources.generate.command import app

app(prog_name="python -m brokerage_sources.generate")
