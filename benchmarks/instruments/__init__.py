"""How benches measure: in a process of its own, in a tab of its own, on scenarios of any size."""
