"""The output folder of a command: who wrote it, with which settings, and what may be deleted.

`manifest.json` is written before any other file. It holds the command, its settings, the library
versions and the patterns of the files that the command may write; `--overwrite` deletes files of
those patterns and no others.
"""

import dataclasses
import fnmatch
import importlib.metadata
import os
import platform

from beam_pipelines import storage
from beam_pipelines.flags import UserError

MANIFEST = "manifest.json"


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that can change a result."""
    names = ["review-scorer", "apache-beam", "tensorflow", "tensorflow-transform", "keras", "numpy", "pyarrow"]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def manifest(command: str, settings, outputs: list[str], **more) -> dict:
    """What `claim` writes: a description of the job that made the folder."""
    return {
        "command": command,
        "settings": dataclasses.asdict(settings),
        "versions": versions(),
        "outputs": outputs,
        **more,
    }


def read(root: str) -> dict | None:
    """The manifest of the folder's job, or None where no job of ours has written."""
    path = storage.join(root, MANIFEST)
    if not storage.exists(path):
        return None
    try:
        found = storage.read_json(path)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"command", "outputs", "settings"} <= found.keys() else None


def claim(root: str, new: dict, *, overwrite: bool, reads: list[str]) -> None:
    """Makes `root` this job's: refuses a folder that holds files, or empties it of the old job's.

    Args:
      root: The folder.
      new: The manifest of the new job.
      overwrite: Whether to delete what an earlier job wrote there.
      reads: The files or folders that the new job reads.

    Raises:
      UserError: The folder is not empty and `overwrite` is off, nothing in it says that this
        command wrote it, or what the job reads lies in it.
    """
    if storage.is_local(root) and os.path.exists(root) and not os.path.isdir(root):
        raise UserError(f"--output {root} is a file; name a folder")
    for path in reads:
        if (storage.absolute(path) + "/").startswith(storage.absolute(root).rstrip("/") + "/"):
            raise UserError(f"--output {root} holds {path}, which the job reads; choose another folder")
    present, old = storage.listing(root), read(root)
    if old and old["command"] != new["command"]:
        raise UserError(f"--output {root} holds what {old['command']} wrote; choose another folder")
    if present and not overwrite:
        raise UserError(f"--output {root} is not empty; choose another folder or add --overwrite")
    if present and not old:
        raise UserError(
            f"--output {root} holds files but no {MANIFEST}: no job wrote it, so --overwrite deletes nothing"
        )
    if old:
        patterns = old["outputs"] + [MANIFEST, storage.TEMPORARY + "/*"]
        storage.delete(root, [name for name in present if any(fnmatch.fnmatch(name, p) for p in patterns)])
    storage.write_json(root, MANIFEST, new)
