"""Simulation of the assets of the site. Flows are constant within a step, and each carrier is balanced per step.

With a schedule, each asset follows its set-points as far as it can (``twin.site.assets.following``). Without
set-points, the rules of the baseline apply (``twin.site.assets.baseline``). Both share the step logic of
``SitePlant``. ``MachineRun`` and ``TankRun`` hold the limits of machines and stores.
"""
