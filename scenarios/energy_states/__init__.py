"""Energy states of a machine: off, standby, idle, and the timed and powered transitions between them.

Work begins and ends in the *ready* state; what it draws meanwhile belongs to the work. A unit of a line takes in each
gap between its works the state that needs the least energy, exact in time (``idle_pieces``): a rule that whoever knows
the works can apply, and that looks at no price.

Reference: Benedikt, Módos, Hanzálek (2020), Power of pre-processing: production scheduling with variable energy pricing
and power-saving states.
"""
