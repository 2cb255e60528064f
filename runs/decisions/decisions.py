"""Advice to a shift, and its decisions: each decision and its audit row form one transaction of the catalogue.

The schedule of an advice is a file, which is on disk before its row is written. Audit rows are chained by hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xarray as xr
from sqlalchemy import Connection, Select, insert, select, update

from emberline.runs.store import netcdf
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.catalogue.labels import naive
from emberline.runs.store.catalogue.tables import ADVICE, AUDIT
from emberline.runs.store.store import Store
from emberline.scenarios.whole_file import replacing

OPEN, APPROVED, DECLINED, EXPIRED, REPLACED, WITHDRAWN = (
    "open", "approved", "declined", "expired", "replaced", "withdrawn",
)  # fmt: skip
SHORTEST_ID = 4


@dataclass(frozen=True)
class Advice:
    """Plan that the shift is advised to follow."""

    id: str
    state: str
    created: datetime
    data_at: datetime
    """Time of the underlying data."""
    expires: datetime
    """End of the period for approval."""
    ends: datetime
    """End of the period in which it is in force once approved."""
    hash: str
    """SHA-256 of its schedule."""
    body: Mapping[str, Any]
    """Reason, changes, figures and marks as plain data."""

    @property
    def made_for(self) -> str:
        """Identity of the scenario of its plan; empty if it was made by an earlier version."""
        return str(self.body.get("made_for", ""))


@dataclass(frozen=True)
class AuditRow:
    """Row of the audit log: an action and its author."""

    number: int
    at: datetime
    act: str
    advice: str | None
    who: str
    reason: str
    hash: str


class Decisions:
    """Advice and decisions of one plant."""

    def __init__(self, plant: str, folder: Path | None = None) -> None:
        """Open the home folder.

        Raises:
            StoreError: the home folder cannot be used.
        """
        self._store = Store(folder)
        self.plant = plant
        self.folder = self._store.folder / "live" / plant

    def advise(self, advice: Advice, schedule: xr.Dataset, who: str, reason: str) -> None:
        """Enter an advice, which replaces an open one."""
        folder = self.folder / "advice"
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._file(advice.id)) as partial:
            netcdf.write(schedule, partial)
        with self._store.catalogue.writing() as connection:
            mine = (ADVICE.c.plant == self.plant) & (ADVICE.c.state == OPEN)
            for (number,) in connection.execute(select(ADVICE.c.id).where(mine)).all():
                self._move(connection, number, OPEN, REPLACED, advice.created, who, f"by {advice.id}")
            row = {
                "id": advice.id, "plant": self.plant, "state": OPEN, "hash": advice.hash,
                "body": json.dumps(dict(advice.body), ensure_ascii=False),
                **{name: naive(getattr(advice, name)) for name in ("created", "data_at", "expires", "ends")},
            }  # fmt: skip
            connection.execute(insert(ADVICE).values(row))
            self._audit(connection, advice.created, "advised", advice.id, who, reason)

    def decide(self, number: str, *, approve: bool, who: str, reason: str, now: datetime) -> Advice:
        """Approve or decline an advice.

        Args:
            number: id of the advice, or its first digits.
            approve: True: approve; False: decline.
            who: name of the person.
            reason: reason in words; required to decline.
            now: current time by the plant's clock.

        Raises:
            StoreError: there is no such open advice, it has expired, or the reason is missing.
        """
        if not approve and not reason.strip():
            raise StoreError("declining needs a reason")
        advice = self.find(number)
        expired = advice.state == OPEN and now >= advice.expires
        to = EXPIRED if expired else APPROVED if approve else DECLINED
        with self._store.catalogue.writing() as connection:
            moved = self._move(connection, advice.id, OPEN, to, now, who, "" if expired else reason)
            if not moved and not expired:
                state = connection.execute(select(ADVICE.c.state).where(ADVICE.c.id == advice.id)).scalar()
                raise StoreError(f"advice {advice.id[:8]} is {state}; only an open one can be decided")
            if to == APPROVED:
                before = (ADVICE.c.plant == self.plant) & (ADVICE.c.state == APPROVED) & (ADVICE.c.id != advice.id)
                for (other,) in connection.execute(select(ADVICE.c.id).where(before)).all():
                    self._move(connection, other, APPROVED, REPLACED, now, who, f"by {advice.id}")
        if expired:
            raise StoreError(f"advice {advice.id[:8]} has expired; wait for the next one")
        return self.find(advice.id)

    def withdraw(self, number: str, *, who: str, reason: str, now: datetime) -> Advice:
        """Withdraw a plan in force.

        Args:
            number: id of its advice, or its first digits.
            who: name of the person.
            reason: reason in words; required.
            now: current time by the plant's clock.

        Raises:
            StoreError: this advice is not in force, or the reason is missing.
        """
        if not reason.strip():
            raise StoreError("withdrawing needs a reason")
        advice = self.find(number)
        with self._store.catalogue.writing() as connection:
            if not self._move(connection, advice.id, APPROVED, WITHDRAWN, now, who, reason):
                state = connection.execute(select(ADVICE.c.state).where(ADVICE.c.id == advice.id)).scalar()
                raise StoreError(f"advice {advice.id[:8]} is {state}; only a plan in force can be withdrawn")
        return self.find(advice.id)

    def close(self, advice: Advice, *, who: str, reason: str, now: datetime) -> None:
        """Decline an open advice, or withdraw one in force; no effect if its state has changed meanwhile."""
        to = WITHDRAWN if advice.state == APPROVED else DECLINED
        with self._store.catalogue.writing() as connection:
            self._move(connection, advice.id, advice.state, to, now, who, reason)

    def expire(self, now: datetime) -> list[str]:
        """Expire open advice and plans in force whose time is over; return their ids."""
        over = []
        with self._store.catalogue.writing() as connection:
            for state, column in ((OPEN, ADVICE.c.expires), (APPROVED, ADVICE.c.ends)):
                mine = (ADVICE.c.plant == self.plant) & (ADVICE.c.state == state) & (column <= naive(now))
                for (number,) in connection.execute(select(ADVICE.c.id).where(mine)).all():
                    self._move(connection, number, state, EXPIRED, now, "loop", "")
                    over.append(number)
        return over

    def note(self, act: str, reason: str, now: datetime, who: str = "loop", advice: str | None = None) -> None:
        """Log an action that does not change an advice."""
        with self._store.catalogue.writing() as connection:
            self._audit(connection, now, act, advice, who, reason)

    def find(self, number: str) -> Advice:
        """Return an advice by its id or the first digits of it.

        Raises:
            StoreError: there is no match, or more than one.
        """
        if len(number) < SHORTEST_ID:
            raise StoreError(f"advice {number!r}: give at least {SHORTEST_ID} digits of its id")
        fits = [advice for advice in self.all() if advice.id.startswith(number)]
        if len(fits) != 1:
            raise StoreError(f"{len(fits) or 'no'} advice of plant {self.plant} begins with {number[:40]!r}")
        return fits[0]

    def all(self) -> list[Advice]:
        """Return every advice, newest first."""
        return self._advice(select(ADVICE).where(ADVICE.c.plant == self.plant).order_by(ADVICE.c.created.desc()))

    def concerning(self, numbers: Collection[str] = ()) -> list[Advice]:
        """Return advice that is open or in force, and advice with given ids; newest first."""
        mine = ADVICE.c.state.in_((OPEN, APPROVED)) | ADVICE.c.id.in_(list(numbers))
        return self._advice(
            select(ADVICE).where((ADVICE.c.plant == self.plant) & mine).order_by(ADVICE.c.created.desc())
        )

    def _advice(self, query: Select) -> list[Advice]:
        with self._store.catalogue.reading() as connection:
            rows = connection.execute(query).all()
        times = ("created", "data_at", "expires", "ends")
        return [
            Advice(
                id=row.id, state=row.state, hash=row.hash, body=json.loads(row.body),
                **{name: getattr(row, name).replace(tzinfo=UTC) for name in times},
            )
            for row in rows
        ]  # fmt: skip

    def in_force(self) -> Advice | None:
        """Return the last approved advice that has not ended."""
        return next((advice for advice in self.concerning() if advice.state == APPROVED), None)

    def schedule(self, number: str) -> xr.Dataset:
        """Return the schedule of an advice."""
        return netcdf.read(self._file(number))

    def audit(self, number: str | None = None) -> list[AuditRow]:
        """Return rows of the audit log in order, for one advice if its id is given."""
        mine = (AUDIT.c.plant == self.plant) & (True if number is None else AUDIT.c.advice == number)
        with self._store.catalogue.reading() as connection:
            rows = connection.execute(select(AUDIT).where(mine).order_by(AUDIT.c.number)).all()
        return [
            AuditRow(row.number, row.at.replace(tzinfo=UTC), row.act, row.advice, row.who, row.reason, row.hash)
            for row in rows
        ]

    def unbroken(self) -> bool:
        """Return whether the chain of audit rows is intact: no row was changed or removed from the middle."""
        before = ""
        for row in self.audit():
            if row.hash != _hash(before, self.plant, row.at, row.act, row.advice, row.who, row.reason):
                return False
            before = row.hash
        return True

    def _file(self, number: str) -> Path:
        return self.folder / "advice" / f"{number}.nc"

    def _move(
        self, connection: Connection, number: str, state: str, to: str, now: datetime, who: str, reason: str
    ) -> bool:
        """Change the state of an advice and add the audit row, if it is still in the expected state."""
        here = (ADVICE.c.id == number) & (ADVICE.c.state == state)
        if connection.execute(update(ADVICE).where(here).values(state=to)).rowcount != 1:
            return False
        self._audit(connection, now, to, number, who, reason)
        return True

    def _audit(
        self, connection: Connection, now: datetime, act: str, advice: str | None, who: str, reason: str
    ) -> None:
        last = select(AUDIT.c.hash).where(AUDIT.c.plant == self.plant).order_by(AUDIT.c.number.desc()).limit(1)
        before = connection.execute(last).scalar() or ""
        values = {"plant": self.plant, "at": naive(now), "act": act, "advice": advice, "who": who, "reason": reason}
        connection.execute(
            insert(AUDIT).values(hash=_hash(before, self.plant, now, act, advice, who, reason), **values)
        )


def _hash(before: str, plant: str, at: datetime, act: str, advice: str | None, who: str, reason: str) -> str:
    row = [before, plant, at.astimezone(UTC).isoformat(), act, advice or "", who, reason]
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()
