"""Importing what meters, historians and markets export: a file in any shape, a mapping that says how to read it, and a
series in UTC and in the unit that the scenario asks for."""

from emberline.scenarios.importing.guessing import Guess, guess
from emberline.scenarios.importing.mapping import Mapping
from emberline.scenarios.importing.reading import LARGEST_MB, Raw, read
from emberline.scenarios.importing.roles import ROLES, Role
from emberline.scenarios.importing.series_import import Imported, bring

__all__ = ["LARGEST_MB", "ROLES", "Guess", "Imported", "Mapping", "Raw", "Role", "bring", "guess", "read"]
