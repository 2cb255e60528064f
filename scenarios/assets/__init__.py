"""Carriers and assets of the site: one record per kind, with the physics shared by twin and model.

A new kind of asset is a record in this folder whose module is imported here; it is registered in ``KINDS`` by its
``kind``. Machines are converted to a common core (``Converter``).
"""

from emberline.scenarios.assets import converter, latent_heat, machines, trade  # noqa: F401  # registers their kinds
