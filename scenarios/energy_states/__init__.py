"""Energy states of a machine: off, standby, idle, and the timed and powered transitions between them.

Operations begin and end in the *ready* state, and the power during an operation belongs to the operation. In each gap
between operations, a unit of a line enters the state that needs the least energy, with exact times (``idle_pieces``).
This rule depends only on the operations and not on prices.

Reference: Benedikt, Módos, Hanzálek (2020), Power of pre-processing: production scheduling with variable energy pricing
and power-saving states.
"""
