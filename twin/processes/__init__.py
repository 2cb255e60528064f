"""Processes in the twin: units between stores, exact in time, by a schedule or by the baseline's rule.

``works`` is the simulation, ``unit`` what a unit does, ``sharing`` how flows give way where a store is empty or full,
``levels`` the closed form of a level, ``luck`` what scatters. ``following`` and ``baseline`` tell the units what to do;
the baseline looks through ``glance`` and ``outlook``, and fits its step with ``fitting``. ``recorder`` and ``missed``
make datasets of what happened.
"""
