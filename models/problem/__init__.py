"""The line and the plant as numbers on a time grid: records that every formulation reads, and their readers."""
