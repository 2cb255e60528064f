"""A moment that may still move: when a process of the works acts next if flows stay as they are."""

from __future__ import annotations

import math

import simpy


class Alarm:
    """One process's next event; a moment that was moved in the meantime passes without one."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._at, self._value = math.inf, 0.0
        self._event = env.event()

    def event(self) -> simpy.Event:
        """The event to wait for; its value is that of ``set``."""
        self._event = self._env.event()
        return self._event

    def set(self, at: float, value: float = 0.0) -> None:
        """Move the moment [min]; infinite: nothing is due."""
        self._value = value
        if at == self._at:
            return
        self._at = at
        if at < math.inf:
            timeout = self._env.timeout(max(at - self._env.now, 0.0), at)
            timeout.callbacks.append(self._ring)

    def _ring(self, timeout: simpy.Event) -> None:
        # the waiting process goes on after the orders of the same moment, which are scheduled already
        if timeout.value == self._at:
            self._at = math.inf
            self._event.succeed(self._value)
