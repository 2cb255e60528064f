"""Carriers and assets of the site: one record for each kind, with the pure physics that twin and model share.

A new kind of asset is one record in this folder, its module imported here: it enters ``KINDS`` by its ``kind``.
Machines turn into one core (``Converter``).
"""

from emberline.scenarios.assets import converter, latent_heat, machines, trade  # noqa: F401  # they enter their kinds
