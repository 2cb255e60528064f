"""What the line should do: Pyomo models solved by HiGHS, on a grid of slots, with a proven bound."""

import sys

# Pyomo loads SciPy's statistics, a second of work, where SciPy was loaded before it; nothing here needs them
_scipy = sys.modules.pop("scipy", None)
import pyomo.common.dependencies  # noqa: E402, F401

if _scipy is not None:
    sys.modules["scipy"] = _scipy

from models.optimize import optimize, seconds  # noqa: E402

__all__ = ["optimize", "seconds"]
