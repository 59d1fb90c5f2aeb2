"""`python -m scripts.generate`."""

from scripts.generate.command import app

app(prog_name="python -m scripts.generate")
