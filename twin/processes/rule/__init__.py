"""The baseline of continuous processes: what the shift would do, step by step, by plain rules.

``policy`` decides; it looks at the works through ``situation`` and ``outlook``, spreads a day's energy with ``daily``
and fits a step's rates into the stores with ``fitting``.
"""
