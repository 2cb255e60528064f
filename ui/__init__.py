"""The fourth floor: faces. The command line and the pages in the browser."""
