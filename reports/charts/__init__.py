"""Charts for pages, files and the Python API."""
