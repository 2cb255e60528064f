"""A PostgreSQL server of the tests' own: on a socket in a folder of its own, and gone when they are done."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Nobody needs what the tests store after a power cut."""


@dataclass(frozen=True)
class Server:
    """A server that is up."""

    folder: Path

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        """A connection whose statements hold at once."""
        return psycopg.connect(host=str(self.folder), user="emberline", dbname=name, autocommit=True)

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{uuid.uuid4().hex}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://emberline@/{name}?host={self.folder}"

    def schema(self) -> str:
        """The address of a new, empty schema: as good as a database, and made at once."""
        name = f"test_{uuid.uuid4().hex}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://emberline@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """No process of the server goes on meanwhile; its connections stay open, and the system takes new ones."""
        with self.connect() as connection:
            backends = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
        first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        processes = [first, *(pid for (pid,) in backends)]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    """A server from Debian's or another's programs.

    Args:
        programs: folder of ``initdb`` and ``postgres``.
    """
    folder = Path(tempfile.mkdtemp(prefix="emberline-pg-"))  # a socket's path may have some hundred characters
    whose: dict[str, Any] = {}
    if os.getuid() == 0:  # which the server refuses to run as
        account = pwd.getpwnam("postgres")
        whose = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        data = folder / "data"
        make = [
            "initdb",
            "--no-sync",
            "--auth=trust",
            "--username=emberline",
            "--encoding=UTF8",
            "--locale=C",
            str(data),
        ]
        completed = subprocess.run(
            [str(programs / make[0]), *make[1:]], cwd=folder, capture_output=True, text=True, check=False, **whose
        )
        assert completed.returncode == 0, completed.stderr
        serve = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*serve, *(part for option in CARELESS for part in ("-c", option))],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **whose,
            )  # fmt: skip
        try:
            yield _ready(Server(folder), process)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: what it keeps is thrown away
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ready(server: Server, process: subprocess.Popen[bytes]) -> Server:
    until = time.monotonic() + 120
    while True:
        try:
            server.connect().close()
            return server
        except psycopg.OperationalError:
            log = (server.folder / "log").read_text(errors="replace")
            assert process.poll() is None, log
            assert time.monotonic() < until, log
            time.sleep(0.05)
