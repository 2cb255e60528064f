"""Charts of pages, files and the Python API."""
