"""Parts of pages with a file of their own."""
