"""Payloads of Sparkplug B, by the field numbers of its specification 3.0 (Eclipse Foundation), section 6.4.

A table in this module describes the messages. The classes of protobuf read and write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

Value = float | int | bool | str | bytes | None
SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
"""Bits of the types Int8 to Int64, which are transmitted as unsigned numbers."""
INTEGERS, LONGS, TEXTS = {1, 2, 3, 5, 6}, {4, 7, 8, 13}, {12, 14, 15}
"""Types by field of the value. UInt32 is written as a long, as in Eclipse Tahu; both fields are read."""
INT32 = 3
FLOAT, DOUBLE, BOOLEAN, BYTES = 9, 10, 11, 17
FIELDS = {FLOAT: "float_value", DOUBLE: "double_value", BOOLEAN: "boolean_value", BYTES: "bytes_value"}
"""Field of the value for each type except integers and texts."""
GOOD = 192
"""Value of the property ``Quality`` for good values; 0 is bad and 500 is stale."""

_SHAPES: dict[str, list[tuple[int, str, str]]] = {  # number, name, type; * is repeated, | raw of the values
    "PropertyValue": [
        (1, "type", "uint32"), (2, "is_null", "bool"), (3, "|int_value", "uint32"), (4, "|long_value", "uint64"),
        (5, "|float_value", "float"), (6, "|double_value", "double"), (7, "|boolean_value", "bool"),
        (8, "|string_value", "string"),
    ],
    "PropertySet": [(1, "*keys", "string"), (2, "*values", "PropertyValue")],
    "Metric": [
        (1, "name", "string"), (2, "alias", "uint64"), (3, "timestamp", "uint64"), (4, "datatype", "uint32"),
        (5, "is_historical", "bool"), (6, "is_transient", "bool"), (7, "is_null", "bool"),
        (9, "properties", "PropertySet"), (10, "|int_value", "uint32"), (11, "|long_value", "uint64"),
        (12, "|float_value", "float"), (13, "|double_value", "double"), (14, "|boolean_value", "bool"),
        (15, "|string_value", "string"), (16, "|bytes_value", "bytes"),
    ],
    "Payload": [
        (1, "timestamp", "uint64"), (2, "*metrics", "Metric"), (3, "seq", "uint64"), (4, "uuid", "string"),
        (5, "body", "bytes"),
    ],
}  # fmt: skip


def _classes() -> dict[str, Any]:
    package = "emberline.sparkplug"
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="emberline_sparkplug.proto", package=package, syntax="proto2")
    for shape, fields in _SHAPES.items():
        message = file.message_type.add(name=shape)
        for number, name, kind in fields:
            label = kinds.LABEL_REPEATED if name[0] == "*" else kinds.LABEL_OPTIONAL
            field = message.field.add(name=name.strip("*|"), number=number, label=label)
            if kind in _SHAPES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
            if name[0] == "|":
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = (pool.FindMessageTypeByName(f"{package}.{shape}") for shape in _SHAPES)
    return {descriptor.name: message_factory.GetMessageClass(descriptor) for descriptor in names}


_CLASSES = _classes()


@dataclass(frozen=True)
class Metric:
    """Value sent by an edge node."""

    name: str | None
    """Name of the metric; None if only the alias is sent."""
    datatype: int | None
    value: Value
    alias: int | None = None
    at_ms: int | None = None
    """Milliseconds since 1970, in UTC."""
    is_historical: bool = False
    quality: int | None = None
    """Value of the property ``Quality``."""
    is_unread: bool = False
    """Whether the metric is a data set, template or array, which has no single value."""


@dataclass(frozen=True)
class Payload:
    """Message sent by an edge node."""

    at_ms: int | None
    seq: int | None
    metrics: Sequence[Metric] = ()


def decode(content: bytes) -> Payload:
    """Decode a payload.

    Raises:
        ValueError: the bytes are not a Sparkplug B payload.
    """
    message = _CLASSES["Payload"]()
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise ValueError("no payload of Sparkplug B") from None
    return Payload(_of(message, "timestamp"), _of(message, "seq"), tuple(map(_metric, message.metrics)))


def encode(payload: Payload) -> bytes:
    """Encode a payload.

    Raises:
        ValueError: a value does not have its declared type.
    """
    message = _CLASSES["Payload"]()
    _assign(message, timestamp=payload.at_ms, seq=payload.seq)
    for metric in payload.metrics:
        raw = message.metrics.add()
        _assign(raw, name=metric.name, alias=metric.alias, timestamp=metric.at_ms, datatype=metric.datatype)
        if metric.is_historical:
            raw.is_historical = True
        if metric.quality is not None:
            raw.properties.keys.append("Quality")
            raw.properties.values.add(type=INT32, int_value=metric.quality & 0xFFFFFFFF)
        if metric.value is None:
            raw.is_null = True
            continue
        try:
            _write(raw, metric)
        except (TypeError, ValueError):
            raise ValueError(f"{metric.name}: {metric.value!r} is not of type {metric.datatype}") from None
    return message.SerializeToString()


def _write(raw: Any, metric: Metric) -> None:
    kind, value = metric.datatype, metric.value
    if kind in INTEGERS or kind in LONGS:
        bits = 64 if kind in LONGS else 32
        number = int(value) & (2**bits - 1)  # type: ignore[arg-type]
        setattr(raw, "long_value" if kind in LONGS else "int_value", number)
    else:
        setattr(raw, FIELDS.get(kind or 0, "string_value"), value)


def _metric(raw: Any) -> Metric:
    kind, which = _of(raw, "datatype"), raw.WhichOneof("value")
    value: Value = None if which is None or raw.is_null else getattr(raw, which)
    if isinstance(value, int) and not isinstance(value, bool) and kind in SIGNED:
        span = 2 ** SIGNED[kind]
        number = value % span
        value = number - span if 2 * number >= span else number
    quality = None
    for key, item in zip(raw.properties.keys, raw.properties.values, strict=False):
        if key == "Quality":
            number = getattr(item, item.WhichOneof("value") or "int_value")
            quality = int(number) if isinstance(number, int | float) else None
    unread = which is None and not raw.is_null and kind is not None and kind not in {*INTEGERS, *LONGS, *FIELDS, *TEXTS}
    at, alias = _of(raw, "timestamp"), _of(raw, "alias")
    return Metric(_of(raw, "name"), kind, value, alias, at, raw.is_historical, quality, unread)


def _of(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _assign(message: Any, **fields: Any) -> None:
    for name, value in fields.items():
        if value is not None:
            setattr(message, name, value)
