"""Drafts: scenarios that users edit, each in a folder that other users cannot find without its id.

The creator of a draft is its owner, who also finds it in a list; without sign-in there is one user, the local one.

Every version of the text is a separate, immutable file. A small file, which is replaced atomically, names the current
one. A draft is therefore consistent even if its writer dies, and undo is a step back.

    home/drafts/<id>/draft.json     origin, owner, texts in order, current text
                     1.yaml …       the texts
                     files/         imported series, and their mappings
    home/drafts/.<id>.deleted/      the same for a deleted draft

Plans are made from a snapshot of a draft (``runs/store/snapshots.py``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from emberline.scenarios import Problem, ScenarioError, whole_file
from emberline.scenarios.home import RUN_ID, home

__all__ = [
    "KEPT_DAYS",
    "LARGEST_TEXT",
    "TRASH_DAYS",
    "Draft",
    "DraftError",
    "add_files",
    "create",
    "delete",
    "file_names",
    "of_owner",
    "open_draft",
    "restore",
    "step",
    "write",
]

KEPT_DAYS = 30
TRASH_DAYS = 7
"""Number of days for which a deleted draft can be restored."""
MAX_DRAFTS = 5000
MAX_STEPS = 100
LARGEST_TEXT = 200_000
LARGEST_FILES_MB = 100
FILE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.(?:csv|yaml)\Z")


class DraftError(ValueError):
    """The draft does not exist, or has changed meanwhile."""


@dataclass(frozen=True)
class Draft:
    """Current state of a draft."""

    id: str
    folder: Path
    origin: str
    """Name of the scenario that was copied, or of the uploaded file."""
    texts: tuple[str, ...]
    """Names of the versions available to undo and redo; the first is the original."""
    at: int
    """Index of the current text."""
    owner: str = ""
    """User who created the draft, in the caller's naming; empty for the local user, or if unknown."""

    @property
    def path(self) -> Path:
        """Path of the current text, an immutable file."""
        return self.folder / self.texts[self.at]

    @property
    def text(self) -> str:
        """Current text."""
        return self.path.read_text(encoding="utf-8")

    @property
    def version(self) -> str:
        """Name of the current version, which differs after each change."""
        return self.texts[self.at].removesuffix(".yaml")

    @property
    def changed(self) -> float:
        """Time of the last change, undo or redo [s since 1970]."""
        return (self.folder / "draft.json").stat().st_mtime

    @property
    def original(self) -> str:
        """Original text."""
        return (self.folder / self.texts[0]).read_text(encoding="utf-8")

    @property
    def undoable(self) -> bool:
        """Whether there is an earlier version."""
        return self.at > 0

    @property
    def redoable(self) -> bool:
        """Whether a step was undone."""
        return self.at + 1 < len(self.texts)


def create(text: str, origin: str, series: Path | None = None, owner: str = "") -> Draft:
    """Create a draft.

    Args:
        text: initial text.
        origin: name of the scenario or file from which the text comes.
        series: folder with files named in the text; they are copied.
        owner: creator; empty: the local user.

    Raises:
        ScenarioError: the text is too large.
        DraftError: there are too many drafts.
    """
    _fits(text)
    drafts = _drafts()
    prune(drafts, KEPT_DAYS)
    prune(drafts, TRASH_DAYS, "*.deleted")
    if sum(1 for _ in drafts.iterdir()) >= MAX_DRAFTS:
        raise DraftError(f"there are {MAX_DRAFTS} drafts already; they expire after {KEPT_DAYS} days without a change")
    draft = uuid.uuid4().hex
    partial = drafts / f".{draft}.partial"
    (partial / "files").mkdir(parents=True)
    for path in series.iterdir() if series is not None else ():
        if FILE.match(path.name):
            shutil.copyfile(path, partial / "files" / path.name)
    whole_file.write(partial / "1.yaml", text)
    notes = {"origin": origin, "owner": owner, "texts": ["1.yaml"], "at": 0, "made": 1}
    whole_file.write(partial / "draft.json", json.dumps(notes))
    partial.rename(drafts / draft)
    return open_draft(draft)


def open_draft(draft: str) -> Draft:
    """Return a draft by its id.

    Raises:
        DraftError: there is no such draft.
    """
    if not RUN_ID.match(draft):
        raise DraftError("this is not the id of a draft (32 hexadecimal digits)")
    folder = _drafts() / draft
    notes = _notes(folder)
    return Draft(draft, folder, notes["origin"], tuple(notes["texts"]), notes["at"], notes.get("owner", ""))


def of_owner(owner: str | None) -> list[Draft]:
    """Return the drafts of an owner, the last changed first.

    Args:
        owner: name of the owner; None: all drafts, for a single local user.
    """
    drafts = []
    for folder in _drafts().iterdir():
        with suppress(DraftError, OSError):
            draft = open_draft(folder.name)
            if owner is None or draft.owner == owner:
                drafts.append((draft.changed, draft))
    return [draft for _, draft in sorted(drafts, key=lambda draft: draft[0], reverse=True)]


def delete(draft: Draft) -> None:
    """Delete a draft; it can be restored for ``TRASH_DAYS``.

    Raises:
        DraftError: the draft no longer exists.
    """
    _notes(draft.folder)
    with FileLock(draft.folder / ".lock", timeout=10):
        pass  # wait for running writers, since a folder with open files may not be renamed
    gone = _gone(draft.id)
    draft.folder.rename(gone)
    os.utime(gone)


def restore(draft: str) -> Draft:
    """Restore a deleted draft.

    Raises:
        DraftError: there is no deleted draft with this id.
    """
    if not RUN_ID.match(draft) or not _gone(draft).is_dir():
        raise DraftError(f"this draft cannot be restored; deleted drafts are kept for {TRASH_DAYS} days")
    _gone(draft).rename(_drafts() / draft)
    return open_draft(draft)


def _gone(draft: str) -> Path:
    return _drafts() / f".{draft}.deleted"


def write(draft: Draft, text: str) -> Draft:
    """Return the draft with a new text, one step after the version from which it was edited.

    Raises:
        ScenarioError: the text is too large.
        DraftError: the draft was changed elsewhere since ``draft`` was read, or was deleted.
    """
    _fits(text)
    _notes(draft.folder)
    if text == draft.text:
        return draft
    with _alone(draft) as notes:
        number = notes["made"] + 1
        whole_file.write(draft.folder / f"{number}.yaml", text)
        texts = [*notes["texts"][: notes["at"] + 1], f"{number}.yaml"]
        if len(texts) > MAX_STEPS:
            del texts[1]
        _tell(draft, notes | {"texts": texts, "at": len(texts) - 1, "made": number})
    return open_draft(draft.id)


def step(draft: Draft, by: int) -> Draft:
    """Return the draft one version back (−1) or forward (+1).

    Raises:
        DraftError: the draft was changed elsewhere since ``draft`` was read.
    """
    with _alone(draft) as notes:
        _tell(draft, notes | {"at": min(max(notes["at"] + by, 0), len(notes["texts"]) - 1)})
    return open_draft(draft.id)


def add_files(draft: Draft, role: str, files: dict[str, str]) -> dict[str, str]:
    """Store an imported series with its mapping; the files are immutable.

    Args:
        draft: draft that will name them.
        role: role of the series.
        files: text of each file by its extension: ``csv``, ``yaml``.

    Returns:
        Path of each file for the draft's text.

    Raises:
        DraftError: the draft would contain too much data.
    """
    folder = draft.folder / "files"
    names = {end: path.removeprefix("files/") for end, path in file_names(role, files).items()}
    size = sum(path.stat().st_size for path in folder.iterdir() if path.name not in names.values())
    if size + sum(len(text) for text in files.values()) > LARGEST_FILES_MB * 1e6:
        raise DraftError(f"the draft already contains {size / 1e6:.0f} MB of series, of at most {LARGEST_FILES_MB}")
    for end, name in names.items():
        if not FILE.match(name):
            raise DraftError(f"{role[:40]!r} is not a valid name of a series")
        if not (folder / name).exists():
            whole_file.write(folder / name, files[end])
    return file_names(role, files)


def file_names(role: str, files: dict[str, str]) -> dict[str, str]:
    """Return the path of each file of an imported series for a draft's text, named by its content."""
    digest = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:12]
    return {end: f"files/{role}-{digest}.{end}" for end in files}


def _fits(text: str) -> None:
    if len(text.encode("utf-8", "replace")) > LARGEST_TEXT:
        sentence = f"has more than {LARGEST_TEXT / 1e3:.0f} kB; use the command line for larger scenarios"
        raise ScenarioError([Problem("scenario.yaml", "", sentence)])


def _drafts() -> Path:
    folder = home().absolute() / "drafts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _notes(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "draft.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise DraftError(f"there is no such draft; drafts expire after {KEPT_DAYS} days without a change") from None


@contextmanager
def _alone(draft: Draft) -> Iterator[dict[str, Any]]:
    """Context manager that locks a draft and yields its notes.

    Raises:
        DraftError: the draft was changed since ``draft`` was read.
    """
    _notes(draft.folder)
    with FileLock(draft.folder / ".lock", timeout=10):
        notes = _notes(draft.folder)
        if notes["texts"][notes["at"]] != draft.texts[draft.at]:
            raise DraftError("this draft was changed in another window; reload it and repeat the change")
        yield notes


def _tell(draft: Draft, notes: dict[str, Any]) -> None:
    whole_file.write(draft.folder / "draft.json", json.dumps(notes))


def prune(folder: Path, days: float, pattern: str = "*") -> None:
    """Remove paths that have not changed for some days."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            # for deleted drafts, the time of deletion counts, so that an old draft can also be restored
            parts = (path,) if path.name.endswith(".deleted") else (path, *path.glob("*.json"))
            newest = max((part.stat().st_mtime for part in parts), default=0.0)
            if time.time() - newest > days * 86_400:
                shutil.rmtree(path, ignore_errors=True)
