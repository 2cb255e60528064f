"""Compiled programs in a form in which two of them can be compared."""

from __future__ import annotations

import numpy as np

from emberline.models.kernel.standard_form import Compiled


def upright(form: Compiled) -> list[np.ndarray]:
    """Its arrays, each row turned so that its first coefficient is positive: Python may swap the sides of ==."""
    first = np.full(form.shape[0], 1.0)
    columns = np.repeat(np.arange(form.shape[1]), np.diff(form.starts))
    order = np.lexsort((columns, form.index))[::-1]
    first[form.index[order]] = np.sign(form.values[order])
    turned = first < 0
    low = np.where(turned, -form.row_upper, form.row_lower)
    high = np.where(turned, -form.row_lower, form.row_upper)
    values = form.values * first[form.index]
    return [form.cost, form.lower, form.upper, form.whole, low, high, form.starts, form.index, values]
