"""Energy states of a machine: off, standby, idle, and the timed and powered transitions between them.

Work begins and ends in the *ready* state; what it draws meanwhile belongs to the work. A plan on a grid lets every
transition begin with a slot and takes ⌈duration/step⌉ slots for it; in what is left of the last one the machine is in
the next state already and draws its power. So transitions need not be whole steps, and the energy of each slot is that
of the exact machine which follows the plan.

A unit of a line takes in each gap between its works the state that needs the least energy, exact in time
(``idle_pieces``): a rule that whoever knows the works can apply, and that looks at no price.

Reference: Benedikt, Módos, Hanzálek (2020), Power of pre-processing: production scheduling with variable energy pricing
and power-saving states.
"""

from emberline.scenarios.energy_states.gaps import gap_pieces, idle_pieces
from emberline.scenarios.energy_states.graph import Leg, Passage, gap_costs, legs, slots, slots_between, through
from emberline.scenarios.energy_states.record import TOLERANCE_MIN, EnergyState, EnergyStates, Move, Transition, Work

__all__ = [
    "TOLERANCE_MIN",
    "EnergyState",
    "EnergyStates",
    "Leg",
    "Move",
    "Passage",
    "Transition",
    "Work",
    "gap_costs",
    "gap_pieces",
    "idle_pieces",
    "legs",
    "slots",
    "slots_between",
    "through",
]
