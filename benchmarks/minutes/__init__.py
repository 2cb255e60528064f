"""Research on heats to the minute: by lateness, by makespan under a limit on energy, and in a sequence of changeovers.

The product plans heats on steps. These searches solve the published cases (``benchmarks/published``), whose times lie
between steps; the twin follows and judges what they find.
"""
