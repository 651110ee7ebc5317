"""Serves the console, a page of HTML and JavaScript: one file for each view, and what views share in `lib`."""
