"""The dashboard: one page for each exposure that it shows, over what is published.

    __main__      `make dashboard`: starts the web server
    app/          what Streamlit runs: the pages and how to get from one to another
    exposures     the pages that there are, from models/exposures.yml
    pages/        one module for each page: which figures, charts and rows it shows
    questions/    their SQL
    data          answers to questions and metrics, of one version, as one role
    filters       filters, which are kept in the address
    layout        what all pages have in common
    charts        lines and bars
    formats       numbers and times as people read them

Needs the extras `dashboard` and `metrics`.
"""
