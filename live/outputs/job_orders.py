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

from emberline.runs.decisions import APPROVED, OPEN, Advice, Decisions
from emberline.runs.store import CatalogueError, StoreError
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


ACTIVE = (JobState.ALLOWED, JobState.RUNNING, JobState.INTERRUPTED)
"""States of a job order that the operator has started and not ended."""
STORED = "stored"
"""Act of the audit: a job order that is missing afterwards was deleted at the plant."""


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
        """Store open advice, take in what the operator does with it, withdraw what is over; what happened.

        Raises:
            ConnectorError: the receiver is not reached.
        """
        text: list[Message] = []
        states = self._receiver.states()
        for advice in self._decisions.concerning(states):
            state = states.get(advice.id)
            if advice.state in (OPEN, APPROVED):
                text += self._standing(advice, state, now)
            elif state is not None:
                text += self._withdraw(advice.id, state)
        return text

    def _standing(self, advice: Advice, state: JobState | None, now: datetime) -> list[Message]:
        """An advice that is open or in force, with the state of its job order; None: there is none."""
        acts = {row.act: row.who for row in self._decisions.audit(advice.id)}
        if state is None and STORED not in acts:
            if advice.state == APPROVED or now >= advice.expires:
                return []
            self._receiver.store(order_of(advice, self._decisions.schedule(advice.id)))
        if STORED not in acts:
            self._decisions.note(STORED, "as a job order", now, advice=advice.id)
            acts[STORED] = "loop"
            if state is None:
                return [Message("Advice {id} is stored as a job order.", id=advice.id[:8])]
        if state is None:
            return self._over(advice, Message("the job order was deleted"), now)
        if state is JobState.ABORTED:
            return self._over(advice, Message("the job order was aborted"), now)
        if state is JobState.ENDED:
            return self._over(advice, Message("the job order has ended"), now)
        if advice.state == OPEN:
            return self._start(advice, now) if state in ACTIVE else []
        if state is JobState.NOT_ALLOWED and acts.get(APPROVED) == WHO:
            return self._over(advice, Message("the start of the job order was revoked"), now)
        return []

    def _over(self, advice: Advice, reason: Message, now: datetime) -> list[Message]:
        """End an advice, as the operator has ended its job order."""
        self._decisions.close(advice, who=WHO, reason=str(reason), now=now)
        if advice.state == APPROVED:
            return []  # the loop reports the end of a plan, whoever ends it
        return [Message("Advice {id} has ended: {reason}.", id=advice.id[:8], reason=reason)]

    def _start(self, advice: Advice, now: datetime) -> list[Message]:
        try:
            self._decisions.decide(advice.id, approve=True, who=WHO, reason="Start of the job order", now=now)
        except CatalogueError:
            raise  # nothing is decided without it
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
