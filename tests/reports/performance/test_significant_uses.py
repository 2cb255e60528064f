"""Significant energy uses, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from emberline.reports.performance.losses import significant_uses


def test_the_largest_uses_that_make_up_four_fifths() -> None:
    """Proves: order, shares and the limit: 50 and 30 of 100 are significant, the next is not.

    Sensitivity: a limit that counts a use which begins exactly at 80 %.
    """
    rows = pd.DataFrame({"fans": [5.0, 5.0], "furnace": [20.0, 30.0], "mill": [15.0, 15.0], "lights": [4.0, 6.0]})
    table = significant_uses(rows, ["fans", "furnace", "mill", "lights"])
    assert table.index.tolist() == ["furnace", "mill", "fans", "lights"]
    assert table["energy"].tolist() == [50, 30, 10, 10]
    assert table["cumulated"].tolist() == pytest.approx([0.5, 0.8, 0.9, 1.0])
    assert table["significant"].tolist() == [True, True, False, False]


def test_uses_are_numbers_from_zero_on() -> None:
    """Proves: what is missing is named, negative and empty uses are refused."""
    with pytest.raises(ValueError, match="values of mill are missing"):
        significant_uses(pd.DataFrame({"mill": [1.0, None]}), ["mill"])
    for wrong in ([-1.0], [0.0]):
        with pytest.raises(ValueError, match="must not be negative"):
            significant_uses(pd.DataFrame({"mill": wrong}), ["mill"])
