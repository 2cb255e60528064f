"""Sparkplug payloads and OPC UA of other makers: the packages sparkplug-payload and node-opcua of npm."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Findings, Table, measured
from emberline.live.connectors import read
from emberline.live.connectors.sparkplug.payload import Metric, Payload, decode, encode
from emberline.live.tags import Plant, Reading, load

PAYLOADS = 1000
MODULES = "EMBERLINE_NODE_MODULES"
"""Environment variable: folder ``node_modules`` with sparkplug-payload and node-opcua-server."""
KINDS = {
    1: "Int8", 2: "Int16", 3: "Int32", 4: "Int64", 5: "UInt8", 6: "UInt16", 7: "UInt32", 8: "UInt64", 9: "Float",
    10: "Double", 11: "Boolean", 12: "String", 13: "DateTime", 14: "Text", 15: "UUID", 17: "Bytes",
}  # fmt: skip
CODEC = """
const {get} = require(process.argv[2] + '/sparkplug-payload'); const codec = get('spBv1.0');
const big = v => typeof v === 'bigint' || (v && v.toNumber) ? v.toString() : v;
const plain = m => ({name: m.name, alias: m.alias == null ? null : big(m.alias), type: m.type,
  value: m.value == null ? null : m.type === 'Bytes' ? Buffer.from(m.value).toString('hex')
    : m.type === 'DateTime' ? String(m.value.getTime ? m.value.getTime() : big(m.value))
    : m.type === 'UInt32' ? String(big(m.value))
    // the package leaves out the sign of Int64
    : m.type === 'Int64' ? BigInt.asIntN(64, BigInt(String(m.value))).toString() : big(m.value),
  timestamp: m.timestamp == null ? null : String(big(m.timestamp))});
const Long = require(process.argv[2] + '/long');
const wide = m => ({...m, timestamp: Long.fromString(m.timestamp),
  value: m.value === null ? null : m.type === 'Int64' ? Long.fromString(m.value)
    : m.type === 'UInt64' || m.type === 'DateTime' ? Long.fromString(m.value, true)
    : m.type === 'UInt32' ? Number(m.value)
    : m.type === 'Bytes' ? Uint8Array.from(Buffer.from(m.value, 'hex')) : m.value});
const out = JSON.parse(require('fs').readFileSync(0)).map(({hex, rows, seq, timestamp}) => {
  const theirs = codec.decodePayload(Buffer.from(hex, 'hex'));
  const mine = codec.encodePayload({timestamp: Long.fromString(timestamp), seq: Long.fromNumber(seq, true),
    metrics: rows.map(wide)});
  return {seq: Number(big(theirs.seq)), timestamp: String(big(theirs.timestamp)), metrics: theirs.metrics.map(plain),
    hex: Buffer.from(mine).toString('hex')};
});
console.log(JSON.stringify(out));
"""
SERVER = """
const {OPCUAServer} = require(process.argv[2] + '/node-opcua-server');
const {Variant, DataType} = require(process.argv[2] + '/node-opcua-variant');
const {StatusCodes} = require(process.argv[2] + '/node-opcua-status-code');
const {OPCUACertificateManager} = require(process.argv[2] + '/node-opcua-certificate-manager');
(async () => {
  const rootFolder = process.argv[4];
  const manager = new OPCUACertificateManager({automaticallyAcceptUnknownCertificate: true, rootFolder});
  await manager.initialize();
  const server = new OPCUAServer({port: Number(process.argv[3]), serverCertificateManager: manager});
  await server.initialize();
  const space = server.engine.addressSpace.getOwnNamespace();
  const objects = server.engine.addressSpace.rootFolder.objects;
  const add = (name, dataType, value) => {
    const node = space.addVariable({organizedBy: objects, browseName: name, nodeId: 's=' + name, dataType});
    node.setValueFromSource(new Variant({dataType: DataType[dataType], value}));
    return node;
  };
  add('Power', 'Double', 85000); add('State', 'Int32', 1); add('Heat', 'String', 'C1-1');
  add('Bad', 'Double', 1).setValueFromSource({dataType: DataType.Double, value: 1}, StatusCodes.BadSensorFailure);
  await server.start(); console.log('ready ' + space.index);
})();
"""


def modules() -> Path:
    """The folder of npm's packages.

    Raises:
        Wrong: there is none, or no node.
    """
    folder = Path(os.environ.get(MODULES, "node_modules")).resolve()
    if shutil.which("node") is None or not (folder / "node-opcua-server").is_dir():
        raise Wrong(f"needs node, and in {MODULES}: npm install sparkplug-payload node-opcua-server")
    return folder


def random_payload(random: np.random.Generator) -> Payload:
    """Up to ten metrics of any plain type."""
    metrics = []
    for k in range(int(random.integers(0, 10))):
        kind = int(random.choice(list(KINDS)))
        bits = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64}.get(kind, 0)
        value: Any
        if kind in (1, 2, 3, 4):
            value = int(random.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
        elif bits:
            value = int(random.integers(0, 2**bits - 1, dtype=np.uint64))
        elif kind in (9, 10):
            value = float(np.float32(random.normal(0, 1e6)) if kind == 9 else random.normal(0, 1e12))
        elif kind == 11:
            value = bool(random.random() < 0.5)
        elif kind == 13:
            value = int(random.integers(0, 2_000_000_000_000))
        elif kind == 17:
            value = random.bytes(int(random.integers(0, 20)))
        else:
            value = "".join(random.choice(list("aZ0 /°ü中🔥"), int(random.integers(0, 12))))
        if random.random() < 0.1:
            value = None
        at = int(random.integers(1_700_000_000_000, 1_900_000_000_000))
        metrics.append(Metric(f"m{k}/°{kind}", kind, value, int(random.integers(0, 2**31)), at))
    return Payload(int(random.integers(1_700_000_000_000, 1_900_000_000_000)), int(random.integers(0, 256)), metrics)


def _text(metric: Metric) -> Any:
    value = metric.value
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if metric.datatype in (4, 7, 8, 13) and value is not None else value


def payloads(count: int) -> None:
    """Encode here and decode there, and the other way.

    Raises:
        Wrong: a payload differs.
    """
    random = np.random.default_rng(1)
    mine = [random_payload(random) for _ in range(count)]
    tasks: list[dict[str, Any]] = [
        {
            "hex": encode(one).hex(), "seq": one.seq, "timestamp": str(one.at_ms),
            "rows": [
                {"name": m.name, "alias": m.alias, "type": KINDS[m.datatype or 0], "value": _text(m),
                 "timestamp": str(m.at_ms)}
                for m in one.metrics
            ],
        }
        for one in mine
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "codec.js"
        script.write_text(CODEC)
        command = ["node", str(script), str(modules())]
        process = subprocess.run(command, input=json.dumps(tasks), capture_output=True, text=True)
    if process.returncode:
        raise Wrong(f"node: {process.stderr.strip()[-300:]}")
    for k, (one, task, answer) in enumerate(zip(mine, tasks, json.loads(process.stdout), strict=True)):
        theirs = [{**row, "alias": None if row["alias"] is None else int(row["alias"])} for row in answer["metrics"]]
        keys = ("name", "alias", "type", "value", "timestamp")
        if (answer["seq"], answer["timestamp"]) != (one.seq, str(one.at_ms)):
            raise Wrong(f"payload {k}: {answer['seq']} {answer['timestamp']} instead of {one.seq} {one.at_ms}")
        for row, cancel_event in zip(theirs, task["rows"], strict=True):
            if {key: row[key] for key in keys} != cancel_event:
                raise Wrong(f"payload {k}: {row} instead of {cancel_event}")
        back = decode(bytes.fromhex(answer["hex"]))
        if (back.at_ms, back.seq, list(back.metrics)) != (one.at_ms, one.seq, list(one.metrics)):
            raise Wrong(f"payload {k}: read back as {back} instead of {one}")


def node_opcua(folder: Path) -> None:
    """Read a server of node-opcua.

    Raises:
        Wrong: a value or status differs.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = folder / "server.js"
    script.write_text(SERVER)
    command = ["node", str(script), str(modules()), str(port), str(folder / "pki")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        while line and not line.startswith("ready"):
            line = process.stdout.readline()
        index = int((line or "ready -1").split()[1])
        readings = read(plant_of(folder, port, index))
    finally:
        process.kill()
    values = {name: one.value if isinstance(one, Reading) else one for name, one in readings.items()}
    if values != {"power": 85000.0, "state": 1.0, "heat": "C1-1", "bad": 1.0}:
        raise Wrong(f"node-opcua: {values}")
    bad = readings["bad"]
    if not isinstance(bad, Reading) or bad.status != "BadSensorFailure":
        raise Wrong(f"node-opcua: {bad}")


def plant_of(folder: Path, port: int, index: int) -> Plant:
    rows = [
        "name: power, address: Power, power_of: EAF, unit: kW, range: [0, 100000]",
        "name: state, address: State, state_of: EAF, states: {1: on}",
        "name: heat, address: Heat, heat_of: EAF",
        "name: bad, address: Bad, power_of: LF, unit: kW, range: [0, 100000]",
    ]
    tags = "".join(f"- {{connector: p, longest_age_s: 60, {row}}}\n" for row in rows)
    tags = tags.replace("address: ", f"address: ns={index};s=").replace(f"ns={index};s=", f"'ns={index};s=")
    for name in ("Power", "State", "Heat", "Bad"):
        tags = tags.replace(f"s={name},", f"s={name}',")
    file = folder / "live.yaml"
    head = f"scenario: melt-shop-small\nconnectors: [{{name: p, kind: opcua, url: 'opc.tcp://127.0.0.1:{port}'}}]\n"
    file.write_text(f"{head}tags:\n{tags}")
    return load(file)


@bench("live-partners", "Sparkplug payloads and OPC UA with packages of npm (needs node)", long=True)
def main() -> Findings:
    """Compare both ways."""
    began = time.perf_counter()
    payloads(PAYLOADS)
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        node_opcua(Path(folder))
    text = "both ways, all alike"
    rows = [
        measured("random payloads, sparkplug-payload", [float(PAYLOADS)], unit="", says=text),
        measured("time", [seconds]),
        measured("values and statuses of a server of node-opcua", [4.0], unit="", says="all alike"),
    ]
    return Findings([Table("Partners of other makers", rows)])
