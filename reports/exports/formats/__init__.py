"""One file for each format of export."""
