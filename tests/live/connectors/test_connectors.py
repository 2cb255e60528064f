"""Connectors against a real OPC UA server, a folder of CSV files and a database, and ``emberline live check``."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import emberline, refused

from emberline.live.connectors import read
from emberline.live.tags import Plant, Reading, load

TIME = datetime.now(UTC)


@contextmanager
def server(values: dict[str, object], certificates: Path | None = None) -> Iterator[str]:
    """An OPC UA server with a variable for each value, in a thread of its own; a value may be a bad status.

    With a folder of certificates it wants encrypted messages and the user ``emberline``."""
    from asyncua import Server, ua
    from asyncua.crypto.cert_gen import setup_self_signed_certificate
    from asyncua.crypto.permission_rules import User, UserRole
    from asyncua.server.user_managers import UserManager
    from cryptography.x509.oid import ExtendedKeyUsageOID

    class Users(UserManager):
        def get_user(self, server: object, **credentials: object) -> User | None:
            pair = (credentials.get("username"), credentials.get("password"))
            return User(role=UserRole.User) if pair == ("emberline", "secret") else None

    async def secure(one: Server, folder: Path) -> None:
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        for name in ("server", "client"):
            place = {"countryName": "DE", "organizationName": "works"}
            await setup_self_signed_certificate(
                folder / f"{name}.pem", folder / f"{name}.der", f"urn:{name}", "localhost", uses, place
            )
        await one.set_application_uri("urn:server")
        one.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        await one.load_certificate(str(folder / "server.der"))
        await one.load_private_key(str(folder / "server.pem"))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"opc.tcp://127.0.0.1:{free.getsockname()[1]}"
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        one = Server(user_manager=None if certificates is None else Users())
        await one.init()
        one.set_endpoint(address)
        if certificates is None:
            one.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            await secure(one, certificates)
        for name, value in values.items():
            status = value if isinstance(value, ua.StatusCode) else ua.StatusCode(0)
            variant = ua.Variant(0.0 if value is status else value)
            node = await one.nodes.objects.add_variable(ua.NodeId(name, 2), name, variant)
            await node.write_value(ua.DataValue(variant, StatusCode=status, SourceTimestamp=TIME))
        async with one:
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(asyncio.run, run())
        while not ready.wait(0.1):
            assert not future.done(), future.exception()
        try:
            yield address
        finally:
            stop.set()
        future.result()


def file(folder: Path, connector: str, *tags: str) -> Path:
    path = folder / "live.yaml"
    rows = "".join(f"- {{connector: plant, longest_age_s: 600, {tag}}}\n" for tag in tags)
    path.write_text(f"scenario: melt-shop-small\nconnectors:\n- {{name: plant, {connector}}}\ntags:\n{rows}")
    return path


def power(name: str, address: str, of: str = "EAF") -> str:
    return f"name: {name}, address: '{address}', power_of: {of}, unit: kW, range: [0, 120000]"


def test_opc_ua_values_come_with_status_and_time(tmp_path: Path) -> None:
    """Proves: values, times and bad status codes come from a real server; a node that is not there or no node id is
    named, and the others are read all the same; the command's exit code says that something is wrong.
    Sensitivity: a bad value is taken as 0; one bad node fails all."""
    pytest.importorskip("asyncua")
    from asyncua import ua

    heat = load(file(tmp_path, "kind: opcua, url: 'opc.tcp://x'", power("p", "a"))).scenario.heats[0].name
    values = {"power": 85_000.0, "heat": heat, "broken": ua.StatusCode(ua.StatusCodes.BadSensorFailure)}
    with server(values) as address:
        path = file(
            tmp_path, f"kind: opcua, url: '{address}'", power("power", "ns=2;s=power"),
            "name: heat, address: 'ns=2;s=heat', heat_of: EAF", power("broken", "ns=2;s=broken", "LF"),
            power("absent", "ns=2;s=absent", "CC"), power("odd", "no node", "site"),
        )  # fmt: skip
        report = emberline("live", "check", str(path), "--json")
    rows = {row["tag"]: row for row in json.loads(report.stdout)}
    assert report.returncode == 1
    assert (rows["power"]["value"], rows["power"]["quality"], rows["power"]["unit"]) == (85.0, "ok", "MW")
    assert (rows["heat"]["value"], rows["heat"]["quality"]) == (heat, "ok")
    assert rows["broken"]["says"] == "the source marks it as BadSensorFailure"
    assert rows["absent"]["says"] == "the source marks it as BadNodeIdUnknown"
    assert "no node id" in rows["odd"]["says"]


def test_certificates_and_passwords(tmp_path: Path) -> None:
    """Proves: with certificate, user and password values are read over encrypted messages; a wrong or lacking password,
    or messages that are not encrypted, are refused in one line, which does not hold the password. Sensitivity: the
    security of the file is not used."""
    pytest.importorskip("asyncua")
    keys = (
        "security: Basic256Sha256, certificate: client.der, key: client.pem, user: emberline, password_from: PASSWORD"
    )
    with server({"power": 85_000.0}, tmp_path) as address:
        plant = load(file(tmp_path, f"kind: opcua, url: '{address}', {keys}", power("power", "ns=2;s=power")))
        assert read(plant, {"PASSWORD": "secret"})["power"] == Reading(85_000.0, TIME)
        text = "connector plant: the server refuses: BadUserAccessDenied"
        assert read(plant, {"PASSWORD": "wrong"})["power"] == text
        assert read(plant, {})["power"] == "connector plant: the environment variable PASSWORD is not set"
        plain = load(file(tmp_path, f"kind: opcua, url: '{address}'", power("power", "ns=2;s=power")))
        assert str(read(plain, {})["power"]).startswith("connector plant: the server refuses: No matching endpoints")


def test_a_server_that_is_away_is_one_line(tmp_path: Path) -> None:
    """Proves: each tag of an unreachable server is suspect and says why; exit code 1. Sensitivity: a stack trace."""
    pytest.importorskip("asyncua")
    path = file(tmp_path, "kind: opcua, url: 'opc.tcp://127.0.0.1:1', timeout_s: 2", power("power", "ns=2;s=p"))
    report = emberline("live", "check", str(path))
    assert report.returncode == 1
    assert report.stdout.splitlines()[0].startswith("suspect power  no value: connector plant: cannot connect")


def test_of_a_historian_the_newest_row_counts(tmp_path: Path) -> None:
    """Proves: over all files of the folder the newest row of a tag counts, a line that is being written does not, and
    times without offset need a zone. Sensitivity: the last row of the last file."""
    folder = tmp_path / "historian"
    folder.mkdir()
    (folder / "a.csv").write_text("tag;time;value\nP1;2026-06-01T06:10:00Z;70\nP1;2026-06-01T06:05:00Z;60\n")
    (folder / "b.csv").write_text("time,tag,value\n2026-06-01T06:00:00Z,P1,50\n2026-06-01T07:00:00Z,P1,9")
    path = file(tmp_path, "kind: csv, folder: historian", power("power", "P1"), power("other", "P2", "site"))
    readings = read(load(path))
    assert readings["power"] == Reading("70", datetime(2026, 6, 1, 6, 10, tzinfo=UTC))
    assert readings["other"] == Reading(None, None, "in no file")
    (folder / "a.csv").write_text("tag,time,value\nP1,2026-06-01T08:10:00,70\n")
    assert "give the connector a zone" in str(read(load(path))["power"])
    path = file(tmp_path, "kind: csv, folder: historian, zone: Europe/Berlin", power("power", "P1"))
    assert read(load(path))["power"] == Reading("70", datetime(2026, 6, 1, 6, 10, tzinfo=UTC))
    (folder / "a.csv").write_text("tag,stamp,value\n")
    assert "a.csv has no column 'time'" in str(read(load(path))["power"])
    (folder / "a.csv").write_text(f"tag,time,value\nP1,2026-06-01T08:10:00,{'7' * 200_000}\n")
    assert "Error: field larger than field limit" in str(read(load(path))["power"])
    (folder / "a.csv").unlink()
    path = file(tmp_path, "kind: csv, folder: historian", power("power", "P1"), power("same", "P1", "site"))
    assert {str(one) for one in read(load(path)).values()} == {str(Reading("50", datetime(2026, 6, 1, 6, tzinfo=UTC)))}


def test_queries_read_and_do_not_write(tmp_path: Path) -> None:
    """Proves: a query gives value and time; what is no query, fails or gives no row is named, and nothing changes in
    the database. Sensitivity: a statement of the file is run that deletes."""
    database = tmp_path / "plant.db"
    with sqlite3.connect(database) as connection:
        connection.execute("create table power (value real, at text)")
        connection.execute("insert into power values (85000, '2026-06-01T06:00:00Z')")
    connection.close()
    path = file(
        tmp_path, "kind: sql, url_from: PLANT_DATABASE", power("power", "select value, at from power"),
        power("none", "select value, at from power where value < 0", "LF"), power("bad", "select x from y", "CC"),
        power("deletes", "delete from power", "site"),
    )  # fmt: skip
    plant: Plant = load(path)
    assert "PLANT_DATABASE is not set" in str(read(plant, {})["power"])
    readings = read(plant, {"PLANT_DATABASE": f"sqlite:///{database}"})
    assert readings["power"] == Reading(85000.0, datetime(2026, 6, 1, 6, tzinfo=UTC))
    text = {name: reading.status for name, reading in readings.items() if isinstance(reading, Reading)}
    assert text["none"] == "without a row"
    assert text["bad"] == "a failed query: no such table: y"
    assert text["deletes"].startswith("no query")
    assert "no SQLAlchemy URL" in str(read(plant, {"PLANT_DATABASE": "nothing"})["power"])


def test_the_command_shows_each_tag(tmp_path: Path) -> None:
    """Proves: good values show unit and age, exit code 0; a mistake in the file is one line, exit code 2.
    Sensitivity: exit code 0 for a file that cannot be read."""
    folder = tmp_path / "historian"
    folder.mkdir()
    at = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    (folder / "a.csv").write_text(f"tag,time,value\nP1,{at},85000\n")
    path = file(tmp_path, "kind: csv, folder: historian", power("power", "P1"))
    report = emberline("live", "check", str(path))
    assert report.returncode == 0, report
    assert report.stdout.startswith("ok      power  85 MW, ")
    assert "1 tags, none suspect or stale" in report.stdout
    refused(emberline("live", "check", str(tmp_path / "none.yaml")), "none.yaml: no such file")
    path.write_text(path.read_text().replace("unit: kW, ", ""))
    refused(emberline("live", "check", str(path)), "live.yaml:5: tags.0.unit: is required")
