"""Continuous processes between stores, switched or modulated, such as kilns, mills and crushers: records and physics.

Rates are in tonnes per hour of a reference material, usually the main product; all flows, power and heat depend on the
rate. Each grade of product is a mode.
"""
