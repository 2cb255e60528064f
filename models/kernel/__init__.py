"""Compiler from Pyomo components to arrays, and the interface to HiGHS."""
