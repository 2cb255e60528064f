"""Continuous processes in the twin: units between stores, exact in time, by a schedule or by the baseline's rule.

``works`` is the simulation in SimPy, ``unit`` what a unit does, ``alarm`` an event that may still move, ``sharing`` how
flows give way where a store is empty or full, ``levels`` the closed form of a level, ``scatter`` what is random.
``following`` (a schedule) and ``rule`` (the baseline) set the units' modes and rates. ``recorder`` and ``missed`` make
datasets of what happened.
"""
