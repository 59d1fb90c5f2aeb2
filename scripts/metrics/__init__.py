"""Metrics, which are defined once (models/metrics) and asked for here, by people and by programs.

    definitions   `Definitions`: what metrics there are, and the SQL of a question, on any engine
    filters       conditions that are safe to take from anybody
    query         `query_metrics`: the rows of a question, from any warehouse with the schemas marts and quality
    __main__      the same as a command

Needs the extra `metrics`.
"""
