"""Records of ``live.yaml``: connectors to the plant, and tags that each mean one thing of the scenario."""

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
"""Address of a metric of Sparkplug; its device is missing where it is the edge node's own."""


@dataclass(frozen=True)
class Traits:
    """Traits of a kind of connector: the keys that it takes, what can be done with it, and the code that does it."""

    keys: frozenset[str]
    read: str
    """Function that reads its tags once: module of ``live/connectors`` and name."""
    feed: str = "reading:poll"
    """Function that returns a source of readings for as long as the loop runs."""
    required: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    """Its URL begins with one of them."""
    protocol: str = ""
    """Protocol that needs a package of the extra ``live``."""
    address: re.Pattern[str] = re.compile(".*", re.DOTALL)
    address_form: str = ""
    """Form of its addresses in words, where not every text is one."""
    publishes: bool = False
    """Whether advice can be published there."""
    writes: bool = False
    """Whether set-points and job orders can be written there."""


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
"""Every kind of connector; a new one is a row here and a module of ``live/connectors``."""


class Connector(Record):
    """A way to the plant's data. Passwords and addresses that hold one come from environment variables."""

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
    """Certificate that the server has to show; none: any. Of a broker: that of its authority; none: the system's."""
    folder: str | None = None
    """Folder that a historian writes CSV files into."""
    time: str = "time"
    """Column of the times."""
    tag: str = "tag"
    """Column of the tags' addresses."""
    value: str = "value"
    """Column of the values."""
    zone: str | None = None
    """Zone of times without offset."""
    host: str = Field(default="emberline", pattern=r"^[^/+#]+$", max_length=80)
    """Name of this host application among the edge nodes of Sparkplug."""
    reorder_s: float = Field(default=2, gt=0, le=60)
    """Longest delay of a Sparkplug message before a rebirth is requested [s]."""
    topic: str = Field(default="{address}", max_length=400)
    """Topic of MQTT with ``{address}`` in it, where a tag's address is put."""
    timeout_s: float = Field(default=10, gt=0, le=120)

    @property
    def traits(self) -> Traits:
        """Traits of its kind."""
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
    """One measured thing: exactly one of ``power_of``, ``level_of``, ``state_of``, ``heat_of`` and ``price``."""

    name: str = Field(pattern=NAME)
    connector: str
    address: str = Field(min_length=1, max_length=2000)
    """Node id of OPC UA, metric of Sparkplug, topic of MQTT, name in the CSV files, or a query for value and time."""
    power_of: str | None = None
    """Unit of the plant whose electric power it is, or ``site``."""
    level_of: str | None = None
    """Store or storage whose level it is."""
    state_of: str | None = None
    """Unit whose state it is."""
    heat_of: str | None = None
    """Unit on which the heat is whose number it is."""
    price: bool | None = None
    """Whether it is the price of electricity."""
    unit: str | None = None
    """Of the values; required for powers, levels and prices."""
    range: tuple[float, float] | None = None
    """Lowest and highest possible value, in ``unit``."""
    states: dict[str, State] = Field(default_factory=dict)
    """Meaning of each value of a state."""
    longest_age_s: float = Field(gt=0, le=7 * 86_400)
    """After this time a value is stale."""
    error: float | None = Field(default=None, gt=0)
    """Standard error of the values, in ``unit``; none: 1 % of the range."""

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
        """Whether its values are numbers with a unit."""
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
    """The plant's clock where it is not that of this computer: a simulated plant in accelerated time."""

    at: AwareDatetime
    """A moment of this computer's clock."""
    plant: AwareDatetime
    """Time of the plant's clock at that moment."""
    speed: float = Field(gt=0, le=10_000)
    """Seconds of the plant in a second of this computer."""

    def now(self, real: datetime | None = None) -> datetime:
        """The plant's time at a moment of this computer."""
        return self.plant + ((real or datetime.now(UTC)) - self.at) * self.speed


class LoopSettings(Record):
    """Settings for planning again in the loop."""

    read_every_s: float = Field(default=5, gt=0, le=600)
    """By this computer's clock."""
    plan_every_min: float = Field(default=240, ge=15, le=2880)
    """At least so often, whatever happens."""
    rest_min: float = Field(default=15, ge=0, le=240)
    """Shortest time between two plannings, requests left out."""
    late_min: float = Field(default=10, gt=0, le=600)
    """A heat that is expected so much later than planned is a deviation."""
    price_change: float = Field(default=1, ge=0)
    """Mean change of prices of the coming hours that is worth a plan, in the currency per MWh."""
    intensity_change: float = Field(default=10, ge=0)
    """The same of carbon intensities [kg/MWh]."""
    search_s: float = Field(default=20, gt=0, le=600)
    """Time limit of a search."""
    series_every_min: float = Field(default=5, gt=0, le=1440)
    """So often signals are fetched and the scenario's series are read again, by this computer's clock."""
    frozen_min: float = Field(default=30, ge=0, le=480)
    """Time from now within which starts stay as they are; rounded up to whole metered intervals."""
    look_ahead_h: float = Field(default=24, ge=1, le=336)
    keep_share: float = Field(default=0.005, ge=0, lt=1)
    """A plan that is better by less than this share of its goal is not advised."""
    expires_min: float = Field(default=60, ge=5, le=1440)
    """Time within which advice can be approved."""
    plan_expires_h: float = Field(default=36, ge=1, le=336)
    """Time for which an approved plan stays in force."""


class HistorySettings(Record):
    """Settings for the storage of measured values: place and duration."""

    database_from: str | None = None
    """Environment variable with the SQLAlchemy URL of a PostgreSQL database; none: Parquet files in the home."""
    keep_days: float = Field(default=730, ge=1, le=36_500)


PLACES = {"webhook": ("url", "connector"), "mqtt": ("connector", "url")}
"""Key that names the place, by kind of publication, and the key that it does not take."""


class Publication(Record):
    """A place that advice is sent to, besides the page *Shift*."""

    kind: Literal["webhook", "mqtt"]
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Of a webhook."""
    connector: str | None = None
    """Broker that it is published at; the message is not retained."""
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
    """A value that may be written to the plant: the battery's power (positive: charge), or a flow of an asset."""

    name: str = Field(pattern=NAME)
    address: str = Field(min_length=1, max_length=400)
    """Node id that is written, and read back."""
    battery: bool = False
    flow: str | None = None
    """Flow of the site, such as ``boiler.main``."""
    unit: str
    range: tuple[float, float]
    """Lowest and highest value that may be written, in ``unit``."""
    ramp_per_min: float = Field(gt=0)
    """Largest change in a minute, in ``unit``."""
    every_s: float = Field(default=10, ge=1, le=600)
    """Shortest time between two writes, by the plant's clock."""
    heartbeat: str = Field(min_length=1, max_length=400)
    """Node id of a counter that rises with each write."""
    valid_until: str | None = None
    """Node id of the time until which the value holds."""
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
    """Set-points that may be written. Without ``enabled: true`` none is."""

    enabled: bool = False
    connector: str | None = None
    """Of kind ``opcua``."""
    allow: tuple[SetPoint, ...] = Field(default=(), max_length=100)


class JobOrderSettings(Record):
    """The plant's receiver of job orders (OPC UA, ISA-95 job control)."""

    connector: str
    receiver: str
    """Node id of an object of ``ISA95JobOrderReceiverObjectType``."""
    responses: str | None = None
    """Node id of an object of ``ISA95JobResponseProviderObjectType``: actual operations are read from there."""


class Live(Record):
    """The file ``live.yaml``."""

    scenario: str
    """Path of the plant's scenario, relative to the file's folder, or the name of a bundled one."""
    connectors: tuple[Connector, ...] = Field(max_length=50)
    tags: tuple[Tag, ...] = Field(max_length=10_000)
    largest_clock_error_s: float = Field(default=30, gt=0, le=3600)
    """Largest lead of a plant's timestamp over the current time."""
    clock: Clock | None = None
    loop: LoopSettings = LoopSettings()
    history: HistorySettings = HistorySettings()
    publish: tuple[Publication, ...] = Field(default=(), max_length=20)
    job_orders: JobOrderSettings | None = None
    set_points: SetPointSettings = SetPointSettings()
