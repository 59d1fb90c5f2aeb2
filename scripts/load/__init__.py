"""Load source files into the lake, typed by their contracts; the page is docs/feeds.md."""
