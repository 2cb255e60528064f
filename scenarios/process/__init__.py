"""A process: what runs continuously, switched or modulated, between stores. Kiln, mill, crusher.

Rates count in tonnes per hour of what the process is measured by, mostly its main product; every flow, its power and
its heat follow from the rate. A grade of product is a mode. Records and pure physics.
"""
