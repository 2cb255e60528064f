"""Import of files from meters, historians and markets with a mapping of their format, as series in UTC and in the unit
of the scenario."""

from emberline.scenarios.importing.guessing import Guess, guess
from emberline.scenarios.importing.mapping import Mapping
from emberline.scenarios.importing.reading import LARGEST_MB, Raw, read
from emberline.scenarios.importing.roles import ROLES, Role
from emberline.scenarios.importing.series_import import Imported, bring

__all__ = ["LARGEST_MB", "ROLES", "Guess", "Imported", "Mapping", "Raw", "Role", "bring", "guess", "read"]
