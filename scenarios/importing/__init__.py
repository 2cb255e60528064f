"""Importing what meters, historians and markets export: a file in any shape, a mapping that says how to read it, and a
series in UTC and in the unit that the scenario asks for."""

from scenarios.importing.bringing import Imported, bring
from scenarios.importing.guessing import Guess, guess
from scenarios.importing.mapping import Mapping
from scenarios.importing.reading import LARGEST_MB, Raw, read
from scenarios.importing.roles import ROLES, Role

__all__ = ["LARGEST_MB", "ROLES", "Guess", "Imported", "Mapping", "Raw", "Role", "bring", "guess", "read"]
