"""Research on the order of works on one machine with energy states.

A plan on a grid lets every transition begin with a slot and takes ⌈duration/step⌉ slots for it; in what is left of the
last one the machine is in the next state already and draws its power. So transitions need not be whole steps, and the
energy of each slot is that of the exact machine which follows the plan.
"""
