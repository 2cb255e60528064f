"""Emberline's Python API, and the package that all rooms live in.

In a checkout the rooms (``scenarios``, ``twin``, ``models``, ``plans``, ``ui``) are folders next to this one; installed
they are folders in it. One entry of the package's path covers both.
"""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
if not (_FOLDER / "scenarios").is_dir():
    __path__.append(str(_FOLDER.parent))
