"""Drafts: a user's own scenario while it is edited, a folder that no other user finds without its id.

Whoever has made a draft is its owner, who finds it in a list as well; without sign-in there is one user, the local one.

Every state of the text is a file of its own, which is never changed; one small file says which one counts, and is
renamed into its place. So a draft is whole whenever its writer dies, and undo is a step back.

    home/drafts/<id>/draft.json     origin, owner, texts in order, which one counts
                     1.yaml …       the texts
                     files/         series that were imported, and how they were read
    home/drafts/.<id>.deleted/      the same, of one that was deleted

What is planned is a snapshot of a draft (``runs/store/snapshots.py``).
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
"""Days for which a deleted draft can be restored."""
MAX_DRAFTS = 5000
MAX_STEPS = 100
LARGEST_TEXT = 200_000
LARGEST_FILES_MB = 100
FILE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.(?:csv|yaml)\Z")


class DraftError(ValueError):
    """A draft that is not there, or has changed meanwhile."""


@dataclass(frozen=True)
class Draft:
    """A draft as it stands."""

    id: str
    folder: Path
    origin: str
    """Name of the scenario that it was copied from, or of the file that was uploaded."""
    texts: tuple[str, ...]
    """Names of the texts that can be gone back and forth to; the first is the original."""
    at: int
    """Index of the current text."""
    owner: str = ""
    """User who created the draft, as the caller names people. Empty for the local user, or if unknown."""

    @property
    def path(self) -> Path:
        """The text that counts; a file that is never changed."""
        return self.folder / self.texts[self.at]

    @property
    def text(self) -> str:
        """The text that counts."""
        return self.path.read_text(encoding="utf-8")

    @property
    def version(self) -> str:
        """Name of the state; another one after each change."""
        return self.texts[self.at].removesuffix(".yaml")

    @property
    def changed(self) -> float:
        """Time of the last change, undo or redo [s since 1970]."""
        return (self.folder / "draft.json").stat().st_mtime

    @property
    def original(self) -> str:
        """The text that it began with."""
        return (self.folder / self.texts[0]).read_text(encoding="utf-8")

    @property
    def undoable(self) -> bool:
        """Whether there is a state before."""
        return self.at > 0

    @property
    def redoable(self) -> bool:
        """Whether a step was taken back."""
        return self.at + 1 < len(self.texts)


def create(text: str, origin: str, series: Path | None = None, owner: str = "") -> Draft:
    """A new draft.

    Args:
        text: that it begins with.
        origin: name of the scenario or file that the text is of.
        series: a folder with files that the text names; they are copied.
        owner: who makes it; empty: the local user.

    Raises:
        ScenarioError: the text is too large.
        DraftError: there are too many drafts.
    """
    _fits(text)
    drafts = _drafts()
    prune(drafts, KEPT_DAYS)
    prune(drafts, TRASH_DAYS, "*.deleted")
    if sum(1 for _ in drafts.iterdir()) >= MAX_DRAFTS:
        raise DraftError(f"{MAX_DRAFTS} drafts are kept already; they go after {KEPT_DAYS} days without a change")
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
    """A draft by its id.

    Raises:
        DraftError: there is none.
    """
    if not RUN_ID.match(draft):
        raise DraftError("this is not the id of a draft (32 hexadecimal digits)")
    folder = _drafts() / draft
    notes = _notes(folder)
    return Draft(draft, folder, notes["origin"], tuple(notes["texts"]), notes["at"], notes.get("owner", ""))


def of_owner(owner: str | None) -> list[Draft]:
    """The drafts of an owner, the last one changed first.

    Args:
        owner: whose; None: everybody's, for who is alone here.
    """
    drafts = []
    for folder in _drafts().iterdir():
        with suppress(DraftError, OSError):
            draft = open_draft(folder.name)
            if owner is None or draft.owner == owner:
                drafts.append((draft.changed, draft))
    return [draft for _, draft in sorted(drafts, key=lambda draft: draft[0], reverse=True)]


def delete(draft: Draft) -> None:
    """Delete a draft; for ``TRASH_DAYS`` it can be restored.

    Raises:
        DraftError: it is not there any more.
    """
    _notes(draft.folder)
    with FileLock(draft.folder / ".lock", timeout=10):
        pass  # whoever writes has written; no file of it may be open where a folder is renamed
    gone = _gone(draft.id)
    draft.folder.rename(gone)
    os.utime(gone)


def restore(draft: str) -> Draft:
    """Take a deleted draft back.

    Raises:
        DraftError: there is none of this id.
    """
    if not RUN_ID.match(draft) or not _gone(draft).is_dir():
        raise DraftError(f"this draft cannot be taken back; that can be done for {TRASH_DAYS} days")
    _gone(draft).rename(_drafts() / draft)
    return open_draft(draft)


def _gone(draft: str) -> Path:
    return _drafts() / f".{draft}.deleted"


def write(draft: Draft, text: str) -> Draft:
    """The draft with another text, one step after the state that it was written from.

    Raises:
        ScenarioError: the text is too large.
        DraftError: it has been changed elsewhere since ``draft`` was read, or was deleted.
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
    """The draft one state back (−1) or forth (+1).

    Raises:
        DraftError: it has been changed elsewhere since ``draft`` was read.
    """
    with _alone(draft) as notes:
        _tell(draft, notes | {"at": min(max(notes["at"] + by, 0), len(notes["texts"]) - 1)})
    return open_draft(draft.id)


def add_files(draft: Draft, role: str, files: dict[str, str]) -> dict[str, str]:
    """Keep an imported series with its mapping; they are never changed.

    Args:
        draft: that will name them.
        role: what the series is.
        files: text of each by the end of its name: ``csv``, ``yaml``.

    Returns:
        Path of each as the draft's text names it.

    Raises:
        DraftError: the draft holds too much already.
    """
    folder = draft.folder / "files"
    names = {end: path.removeprefix("files/") for end, path in file_names(role, files).items()}
    size = sum(path.stat().st_size for path in folder.iterdir() if path.name not in names.values())
    if size + sum(len(text) for text in files.values()) > LARGEST_FILES_MB * 1e6:
        raise DraftError(f"the draft holds {size / 1e6:.0f} MB of series already, at most {LARGEST_FILES_MB}")
    for end, name in names.items():
        if not FILE.match(name):
            raise DraftError(f"{role[:40]!r} is no name of a series")
        if not (folder / name).exists():
            whole_file.write(folder / name, files[end])
    return file_names(role, files)


def file_names(role: str, files: dict[str, str]) -> dict[str, str]:
    """Path of each file of an imported series as a draft's text names it; by its content."""
    digest = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:12]
    return {end: f"files/{role}-{digest}.{end}" for end in files}


def _fits(text: str) -> None:
    if len(text.encode("utf-8", "replace")) > LARGEST_TEXT:
        sentence = f"has more than {LARGEST_TEXT / 1e3:.0f} kB; larger ones are for the command line"
        raise ScenarioError([Problem("scenario.yaml", "", sentence)])


def _drafts() -> Path:
    folder = home().absolute() / "drafts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _notes(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "draft.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise DraftError(f"this draft is not kept here; drafts go after {KEPT_DAYS} days without a change") from None


@contextmanager
def _alone(draft: Draft) -> Iterator[dict[str, Any]]:
    """The draft's own notes, while nobody else changes them.

    Raises:
        DraftError: somebody has, since ``draft`` was read.
    """
    _notes(draft.folder)
    with FileLock(draft.folder / ".lock", timeout=10):
        notes = _notes(draft.folder)
        if notes["texts"][notes["at"]] != draft.texts[draft.at]:
            raise DraftError("this draft was changed in another window meanwhile; look at it and change it again")
        yield notes


def _tell(draft: Draft, notes: dict[str, Any]) -> None:
    whole_file.write(draft.folder / "draft.json", json.dumps(notes))


def prune(folder: Path, days: float, pattern: str = "*") -> None:
    """Take away what has not changed for some days."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            # of what was deleted counts when: a draft that was left for long can be taken back, too
            parts = (path,) if path.name.endswith(".deleted") else (path, *path.glob("*.json"))
            newest = max((part.stat().st_mtime for part in parts), default=0.0)
            if time.time() - newest > days * 86_400:
                shutil.rmtree(path, ignore_errors=True)
