"""Command-line programs of the warehouse: `python -m scripts.<name> --help`."""
