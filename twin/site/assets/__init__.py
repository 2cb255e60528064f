"""The site's assets in the twin: constant within a step, every carrier balanced as a mean over it.

With a schedule's set-points each asset follows them as far as it can (``twin.site.assets.following``), without
them the baseline rules hold (``twin.site.assets.baseline``). What both do in a step is written down once, in
``Plant``; a machine is moved within what ``MachineRun`` allows, a store within what ``TankRun`` allows.
"""
