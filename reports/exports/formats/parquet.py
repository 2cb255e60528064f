"""Parquet: one table with its types, times in the plant's zone, and the manifest in the schema's metadata."""

from __future__ import annotations

import json
from pathlib import Path

from emberline.reports.exports import tables
from emberline.reports.exports.manifest import manifest
from emberline.runs.store.run_folder import StoredRun

KEY = b"emberline"
"""Of the manifest in the schema's metadata, as JSON; ``pandas.read_parquet`` does not need it."""


def write(run: StoredRun, path: Path, table: str | None = None) -> None:
    """Write a table (``tables.by_name``)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, frame = tables.by_name(run, table)
    says = json.dumps({"table": name, **manifest(run)}, allow_nan=False, ensure_ascii=False)
    arrow_table = pa.Table.from_pandas(frame, preserve_index=False)
    arrow_table = arrow_table.replace_schema_metadata({**(arrow_table.schema.metadata or {}), KEY: says.encode()})
    pq.write_table(arrow_table, path, compression="zstd")
