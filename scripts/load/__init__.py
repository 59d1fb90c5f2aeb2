"""Load source files into the lake, typed by their contracts; see `python -m scripts.load --help` and docs/feeds.md."""
