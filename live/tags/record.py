"""Records of ``live.yaml``: connectors to the plant, and tags that each correspond to one quantity of the scenario."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from emberline.scenarios.records.base import NAME, Misplaced, Record
from emberline.scenarios.records.quantity import factor

Kind = Literal["opcua", "sparkplug", "mqtt", "csv", "sql"]
State = Literal["off", "standby", "idle", "on", "down"]
MEANINGS = ("power_of", "level_of", "state_of", "heat_of", "price")
METRIC = re.compile(r"(?P<group>[^/+#:]+)/(?P<edge>[^/+#:]+)(/(?P<device>[^/+#:]+))?:(?P<metric>.+)")
"""Address of a Sparkplug metric. Metrics of the edge node itself have no device."""


@dataclass(frozen=True)
class Traits:
    """Traits of a kind of connector: its keys, its capabilities and the functions that implement it."""

    keys: frozenset[str]
    read: str
    """Function that reads the tags once, as module of ``live/connectors`` and name."""
    feed: str = "reading:poll"
    """Function that returns a source of readings for as long as the loop runs."""
    required: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    """Allowed beginnings of the URL."""
    protocol: str = ""
    """Protocol that needs a package of the extra ``live``."""
    address: re.Pattern[str] = re.compile(".*", re.DOTALL)
    address_form: str = ""
    """Description of a valid address; empty if every text is valid."""
    publishes: bool = False
    """Whether advice can be published through the connector."""
    writes: bool = False
    """Whether set-points and job orders can be written through the connector."""


SECURE = frozenset({"url", "user", "password_from", "certificate", "key", "server_certificate", "timeout_s"})
MQTT: dict[str, Any] = {
    "read": "mqtt:read", "feed": "mqtt:feed", "required": ("url",), "schemes": ("mqtt://", "mqtts://"),
    "protocol": "MQTT", "publishes": True,
}  # fmt: skip
KINDS: dict[Kind, Traits] = {
    "opcua": Traits(
        SECURE | {"security"}, "opcua:read", required=("url",), schemes=("opc.tcp://",), protocol="OPC UA", writes=True
    ),
    "sparkplug": Traits(
        SECURE | {"host", "reorder_s"}, **MQTT,
        address=METRIC, address_form="group/edge:metric or group/edge/device:metric",
    ),
    "mqtt": Traits(SECURE | {"topic", "time", "value", "zone"}, **MQTT),
    "csv": Traits(frozenset({"folder", "time", "tag", "value", "zone"}), "csv_folder:read", required=("folder",)),
    "sql": Traits(frozenset({"url", "url_from", "zone"}), "sql:read"),
}  # fmt: skip
"""All kinds of connectors. A new kind needs a row here and a module in ``live/connectors``."""


class Connector(Record):
    """Connection to a source of plant data. Passwords, and URLs that contain one, come from environment variables."""

    name: str = Field(pattern=NAME)
    kind: Kind
    url: str | None = None
    """``opc.tcp://…`` of an OPC UA server, ``mqtt(s)://…`` of a broker, or the SQLAlchemy URL of a database."""
    url_from: str | None = None
    """Environment variable that holds the URL of a database."""
    user: str | None = None
    password_from: str | None = None
    """Environment variable that holds the password."""
    security: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] | None = None
    """Security policy of OPC UA; messages are then signed and encrypted."""
    certificate: str | None = None
    """Certificate of this client, relative to the file's folder."""
    key: str | None = None
    server_certificate: str | None = None
    """Certificate required of the server; without it, any is accepted. For a broker, the certificate of its authority;
    without it, the system's authorities are trusted."""
    folder: str | None = None
    """Folder with the CSV files of a historian."""
    time: str = "time"
    """Name of the column with the times."""
    tag: str = "tag"
    """Name of the column with the addresses of the tags."""
    value: str = "value"
    """Name of the column with the values."""
    zone: str | None = None
    """Time zone of times without offset."""
    host: str = Field(default="emberline", pattern=r"^[^/+#]+$", max_length=80)
    """Name of this Sparkplug host application."""
    reorder_s: float = Field(default=2, gt=0, le=60)
    """Longest delay of a Sparkplug message before a rebirth is requested [s]."""
    topic: str = Field(default="{address}", max_length=400)
    """MQTT topic, in which ``{address}`` is replaced by the address of a tag."""
    timeout_s: float = Field(default=10, gt=0, le=120)

    @property
    def traits(self) -> Traits:
        """Traits of the connector's kind."""
        return KINDS[self.kind]

    @model_validator(mode="after")
    def _keys(self) -> Connector:
        traits = self.traits
        stated = self.model_fields_set - {"name", "kind"}
        for key in sorted(stated - traits.keys):
            raise Misplaced(f"a connector of kind {self.kind} takes {', '.join(sorted(traits.keys))}", key)
        for key in traits.required:
            if key not in stated:
                raise Misplaced("is required", key)
        if "url_from" in traits.keys and (self.url is None) == (self.url_from is None):
            raise ValueError("give url, or url_from: the environment variable that holds it")
        if traits.schemes and not str(self.url).startswith(traits.schemes):
            raise Misplaced(f"begins with {' or '.join(traits.schemes)}", "url")
        if "{address}" not in self.topic or any(sign in self.topic for sign in "+#"):
            raise Misplaced("holds {address}, and neither + nor #", "topic")
        if self.security is not None and (self.certificate is None or self.key is None):
            raise Misplaced("needs certificate and key", "security")
        if self.password_from is not None and self.user is None:
            raise Misplaced("needs a user", "password_from")
        return self


class Tag(Record):
    """Measured quantity, with exactly one of ``power_of``, ``level_of``, ``state_of``, ``heat_of`` and ``price``."""

    name: str = Field(pattern=NAME)
    connector: str
    address: str = Field(min_length=1, max_length=2000)
    """OPC UA node id, Sparkplug metric, MQTT topic, name in the CSV files, or SQL query for value and time."""
    power_of: str | None = None
    """Unit whose electric power is measured, or ``site``."""
    level_of: str | None = None
    """Store or storage whose level is measured."""
    state_of: str | None = None
    """Unit whose state is reported."""
    heat_of: str | None = None
    """Unit whose current heat number is reported."""
    price: bool | None = None
    """Whether the tag is the electricity price."""
    unit: str | None = None
    """Unit of measure of the values; required for powers, levels and prices."""
    range: tuple[float, float] | None = None
    """Lowest and highest possible value, in ``unit``."""
    states: dict[str, State] = Field(default_factory=dict)
    """State that each value stands for."""
    longest_age_s: float = Field(gt=0, le=7 * 86_400)
    """Age above which a value is stale [s]."""
    error: float | None = Field(default=None, gt=0)
    """Standard error of the values, in ``unit``; by default 1 % of the range."""

    @model_validator(mode="after")
    def _meaning(self) -> Tag:
        meanings = [key for key in MEANINGS if getattr(self, key) not in (None, False)]
        if len(meanings) != 1:
            raise ValueError(f"give one of {', '.join(MEANINGS)}; got {' and '.join(meanings) or 'none'}")
        if self.is_number:
            if self.unit is None:
                raise Misplaced("is required: a number without unit may be a thousand times what it seems", "unit")
            if self.range is None:
                raise Misplaced("is required: the lowest and highest possible value", "range")
            if self.range[0] >= self.range[1]:
                raise Misplaced("the first number is below the second", "range")
        else:
            for key in ("unit", "range", "error"):
                if getattr(self, key) is not None:
                    raise Misplaced(f"{meanings[0]} has none", key)
        if (self.state_of is not None) != bool(self.states):
            text = "is required: the meaning of each value, such as {1: 'on', 0: 'off'}"
            raise Misplaced(text if self.state_of is not None else "only a state has them", "states")
        if self.power_of is not None:
            self.factor("MW")
        return self

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers with a unit."""
        return self.state_of is None and self.heat_of is None

    def factor(self, unit: str) -> float:
        """Conversion factor from its unit to ``unit``.

        Raises:
            Misplaced: it does not convert.
        """
        return _factor(self.unit or "", unit)


def _factor(unit: str, other: str) -> float:
    try:
        return factor(unit, other)
    except ValueError as error:
        raise Misplaced(str(error), "unit") from None


class Clock(Record):
    """Clock of a simulated plant that runs faster than this computer's clock."""

    at: AwareDatetime
    """Reference time by this computer's clock."""
    plant: AwareDatetime
    """Time by the plant's clock at the reference time."""
    speed: float = Field(gt=0, le=10_000)
    """Seconds of plant time per second of real time."""

    def now(self, real: datetime | None = None) -> datetime:
        """Plant time that corresponds to a real time, by default now."""
        return self.plant + ((real or datetime.now(UTC)) - self.at) * self.speed


class LoopSettings(Record):
    """Settings of repeated planning in the loop."""

    read_every_s: float = Field(default=5, gt=0, le=600)
    """Time between two readings, by this computer's clock [s]."""
    plan_every_min: float = Field(default=240, ge=15, le=2880)
    """Longest time between two plans [min]."""
    rest_min: float = Field(default=15, ge=0, le=240)
    """Shortest time between two plans, except on request [min]."""
    late_min: float = Field(default=10, gt=0, le=600)
    """Delay of a heat from which it counts as a deviation [min]."""
    price_change: float = Field(default=1, ge=0)
    """Mean change of the prices of the coming hours that triggers a new plan [currency/MWh]."""
    intensity_change: float = Field(default=10, ge=0)
    """Mean change of the carbon intensities of the coming hours that triggers a new plan [kg/MWh]."""
    search_s: float = Field(default=20, gt=0, le=600)
    """Time limit of a search [s]."""
    series_every_min: float = Field(default=5, gt=0, le=1440)
    """Time between two fetches of the signals, by this computer's clock [min]. The series are then read again."""
    frozen_min: float = Field(default=30, ge=0, le=480)
    """Time from now within which starts are fixed, rounded up to whole metered intervals [min]."""
    look_ahead_h: float = Field(default=24, ge=1, le=336)
    keep_share: float = Field(default=0.005, ge=0, lt=1)
    """Smallest improvement for which a new plan is advised, as a share of the goal."""
    expires_min: float = Field(default=60, ge=5, le=1440)
    """Time within which advice can be approved [min]."""
    plan_expires_h: float = Field(default=36, ge=1, le=336)
    """Time for which an approved plan stays in force [h]."""


class HistorySettings(Record):
    """Settings for the storage of measured values: location and retention time."""

    database_from: str | None = None
    """Environment variable with the URL of a PostgreSQL database; without it, Parquet files are stored in Emberline's
    home folder."""
    keep_days: float = Field(default=730, ge=1, le=36_500)


PLACES = {"webhook": ("url", "connector"), "mqtt": ("connector", "url")}
"""Required key and forbidden key of each kind of publication."""


class Publication(Record):
    """Destination of advice, in addition to the page *Shift*."""

    kind: Literal["webhook", "mqtt"]
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """URL of a webhook."""
    connector: str | None = None
    """Connector of the broker to which advice is published; messages are not retained."""
    topic: str = Field(default="emberline/advice", pattern=r"^[^+#]+$", max_length=400)

    @model_validator(mode="after")
    def _place(self) -> Publication:
        required, other = PLACES[self.kind]
        if getattr(self, required) is None:
            raise Misplaced(f"is required by the kind {self.kind}", required)
        if getattr(self, other) is not None:
            raise Misplaced(f"{self.kind} takes {required}", other)
        return self


class SetPoint(Record):
    """Set-point that may be written to the plant: power of the battery (positive: charging) or flow of an asset."""

    name: str = Field(pattern=NAME)
    address: str = Field(min_length=1, max_length=400)
    """Node id to which the value is written and from which it is read back."""
    battery: bool = False
    flow: str | None = None
    """Flow of the site, such as ``boiler.main``."""
    unit: str
    range: tuple[float, float]
    """Lowest and highest value that may be written, in ``unit``."""
    ramp_per_min: float = Field(gt=0)
    """Largest change per minute, in ``unit``."""
    every_s: float = Field(default=10, ge=1, le=600)
    """Shortest time between two writes, by the plant's clock [s]."""
    heartbeat: str = Field(min_length=1, max_length=400)
    """Node id of a counter that is incremented at each write."""
    valid_until: str | None = None
    """Node id of the time until which the value is valid."""
    expires_s: float = Field(default=120, ge=5, le=3600)
    return_value: float | None = Field(default=None, allow_inf_nan=False)
    """Value that is written once when a plan ends, in ``unit``; required."""

    @model_validator(mode="after")
    def _one(self) -> SetPoint:
        if self.battery == (self.flow is not None):
            raise ValueError("give battery: true, or flow")
        if self.range[0] >= self.range[1]:
            raise Misplaced("the first number is below the second", "range")
        if self.battery:
            self.factor("MW")
        return self

    def factor(self, unit: str) -> float:
        """Conversion factor from its unit to ``unit``.

        Raises:
            Misplaced: it does not convert.
        """
        return _factor(self.unit, unit)


class SetPointSettings(Record):
    """Settings of set-points. Nothing is written without ``enabled: true``."""

    enabled: bool = False
    connector: str | None = None
    """Connector of kind ``opcua``."""
    allow: tuple[SetPoint, ...] = Field(default=(), max_length=100)


class JobOrderSettings(Record):
    """Settings of the plant's receiver of job orders (OPC UA, ISA-95 job control)."""

    connector: str
    receiver: str
    """Node id of an object of ``ISA95JobOrderReceiverObjectType``."""
    responses: str | None = None
    """Node id of an object of ``ISA95JobResponseProviderObjectType``, from which actual operations are read."""


class Live(Record):
    """Contents of the file ``live.yaml``."""

    scenario: str
    """Path of the plant's scenario, relative to the file's folder, or the name of a bundled scenario."""
    connectors: tuple[Connector, ...] = Field(max_length=50)
    tags: tuple[Tag, ...] = Field(max_length=10_000)
    largest_clock_error_s: float = Field(default=30, gt=0, le=3600)
    """Largest time by which a timestamp of the plant may lie in the future [s]."""
    clock: Clock | None = None
    loop: LoopSettings = LoopSettings()
    history: HistorySettings = HistorySettings()
    publish: tuple[Publication, ...] = Field(default=(), max_length=20)
    job_orders: JobOrderSettings | None = None
    set_points: SetPointSettings = SetPointSettings()
