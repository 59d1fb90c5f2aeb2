"""What Streamlit runs. In a folder of its own: Streamlit would take a folder `pages` beside it for pages of its own kind."""
