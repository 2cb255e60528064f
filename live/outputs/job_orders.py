"""Advice as job orders of ISA-95: stored at the plant's receiver, started there by the operator, withdrawn when over.

Emberline calls ``Store``, ``RevokeStart`` and ``Cancel``, and never ``Start``: the operator's start is the approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import xarray as xr

from emberline.plans.decisions import APPROVED, OPEN, Advice, Decisions
from emberline.plans.store import StoreError
from emberline.scenarios.messages import Message

WHO = "operator, by job order"


class JobState(StrEnum):
    """State of a job order, by the names of ISA-95's job control."""

    NOT_ALLOWED = "NotAllowedToStart"
    ALLOWED = "AllowedToStart"
    RUNNING = "Running"
    INTERRUPTED = "Interrupted"
    ENDED = "Ended"
    ABORTED = "Aborted"


ACTIVE = (JobState.ALLOWED, JobState.RUNNING, JobState.INTERRUPTED, JobState.ENDED)


@dataclass(frozen=True)
class JobOrder:
    """A plan for the operator to start."""

    id: str
    says: str
    start: datetime
    end: datetime
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Actual:
    """An operation as the plant reports it."""

    unit: str
    start: datetime
    end: datetime | None


class Receiver(Protocol):
    """A job order receiver of the plant."""

    def store(self, order: JobOrder) -> None:
        """Enter a job order, which may not be started without the operator."""

    def revoke(self, number: str) -> None:
        """Take a start back."""

    def cancel(self, number: str) -> None:
        """Take a job order away."""

    def states(self) -> Mapping[str, JobState]:
        """Job orders that the receiver has, with their states."""

    def actuals(self, number: str) -> Mapping[tuple[str, str], Actual]:
        """Operations of the response to a job order, by heat and stage."""


def order_of(advice: Advice, schedule: xr.Dataset) -> JobOrder:
    """The job order of an advice; an operation is a parameter ``HEAT/STAGE`` with unit, start and end."""
    rows = {"hash": advice.hash, "data": advice.data_at.isoformat(), "expires": advice.expires.isoformat()}
    first = advice.created
    columns = (schedule[name].transpose("heat", "stage").values.tolist() for name in ("unit", "start_min", "end_min"))
    for heat, *of_heat in zip(schedule["heat"].values.tolist(), *columns, strict=True):
        for stage, unit, start, end in zip(schedule["stage"].values.tolist(), *of_heat, strict=True):
            if unit and start == start:
                rows[f"{heat}/{stage}"] = f"{unit} {start:.1f} {end:.1f}"
    return JobOrder(advice.id, advice.body["says"], first, advice.ends, rows)


class JobOrders:
    """Keeps the plant's receiver and the decisions alike."""

    def __init__(self, decisions: Decisions, receiver: Receiver) -> None:
        """Begin with what both have."""
        self._decisions, self._receiver = decisions, receiver
        self._unwelcome: set[str] = set()

    def step(self, now: datetime) -> list[Message]:
        """Store open advice, take in starts, withdraw what is over; what happened.

        Raises:
            ConnectorError: the receiver is not reached.
        """
        says: list[Message] = []
        states = self._receiver.states()
        for advice in self._decisions.concerning(states):
            state = states.get(advice.id)
            if state is None:
                if advice.state == OPEN and now < advice.expires:
                    self._receiver.store(order_of(advice, self._decisions.schedule(advice.id)))
                    says.append(Message("Advice {id} is stored as a job order.", id=advice.id[:8]))
            elif advice.state == OPEN and state in ACTIVE:
                says += self._start(advice, now)
            elif advice.state not in (OPEN, APPROVED):
                says += self._withdraw(advice.id, state)
        return says

    def _start(self, advice: Advice, now: datetime) -> list[Message]:
        try:
            self._decisions.decide(advice.id, approve=True, who=WHO, reason="Start of the job order", now=now)
        except StoreError as error:
            self._receiver.revoke(advice.id)
            return [Message("The start of job order {id} is revoked: {error}", id=advice.id[:8], error=str(error))]
        return [Message("The operator has started job order {id}.", id=advice.id[:8])]

    def _withdraw(self, number: str, state: JobState) -> list[Message]:
        if state is JobState.ALLOWED:
            self._receiver.revoke(number)
            state = JobState.NOT_ALLOWED
        if state is JobState.NOT_ALLOWED:
            self._receiver.cancel(number)
            return [Message("Job order {id} is withdrawn.", id=number[:8])]
        if state in (JobState.RUNNING, JobState.INTERRUPTED) and number not in self._unwelcome:
            self._unwelcome.add(number)
            return [Message("Job order {id} runs, but its advice is over: the operator decides.", id=number[:8])]
        return []

    def actuals(self) -> Mapping[tuple[str, str], Actual]:
        """Operations that the plant reports of the plan in force."""
        in_force = self._decisions.in_force()
        return {} if in_force is None else self._receiver.actuals(in_force.id)
