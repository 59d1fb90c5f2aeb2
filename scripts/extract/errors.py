"""What goes wrong in an extraction."""


class ExtractError(Exception):
    """Nothing was extracted: says which system, what is wrong, and what to do."""
