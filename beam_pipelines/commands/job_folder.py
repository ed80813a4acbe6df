"""The output folder of a command: who wrote it, with which settings, and what may be deleted.

`manifest.json` is written before any other file. It holds the command, its settings, the library
versions and the patterns of the files that the command may write; `--overwrite` deletes files of
those patterns and no others.
"""

import contextlib
import dataclasses
import datetime
import fnmatch
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Iterator
from typing import Any

from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import leases, storage

MANIFEST = "manifest.json"
# A key in the manifest of a folder that the next job may take.
RECLAIMABLE = "free"
# A key of the name of a job that a cluster has taken, and that goes on whatever becomes of its launcher.
SUBMITTED = "submitted"
# So many differences are named; of an archive, each file may be another.
MOST_DIFFERENCES = 10


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that can change a result."""
    names = ["review-scorer", "apache-beam", "tensorflow", "tensorflow-transform", "keras", "numba", "numpy", "pyarrow"]
    installed = {"python": platform.python_version()}
    for name in names:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed[name] = "not installed"
    return installed


def manifest(command: str, settings: Any, outputs: list[str], **more: Any) -> dict[str, Any]:
    """What `claim` writes: a description of the job that made the folder."""
    return {
        "command": command,
        "settings": dataclasses.asdict(settings),
        "versions": versions(),
        "outputs": outputs,
        **more,
    }


def digest(fingerprint: dict[str, Any]) -> str:
    """What tells a fingerprint from others, also one that was written and read."""
    return hashlib.blake2b(json.dumps(fingerprint, sort_keys=True).encode(), digest_size=8).hexdigest()


def read(root: str) -> dict[str, Any] | None:
    """The manifest of the folder's job, or None where no job of ours has written."""
    path = storage.join(root, MANIFEST)
    if not storage.exists(path):
        return None
    try:
        written = storage.read_json(path)
    except ValueError:
        return None
    return written if isinstance(written, dict) and {"command", "outputs", "settings"} <= written.keys() else None


def is_submitted(root: str) -> bool:
    """Whether a cluster has taken the folder's job, and may work there whatever becomes of its launcher."""
    claimed = read(root)
    return claimed is not None and SUBMITTED in claimed


def clear_submitted(root: str) -> None:
    """Notes that no cluster is at the folder's job any more."""
    update_manifest(root, **{SUBMITTED: None})


def read_claimed(root: str) -> dict[str, Any]:
    """The manifest of a folder that a job has claimed.

    Raises:
      RuntimeError: Somebody else has removed it meanwhile.
    """
    claimed = read(root)
    if claimed is None:
        raise RuntimeError(f"{root} has lost its {MANIFEST} while a job worked there")
    return claimed


def update_manifest(root: str, **more: Any) -> dict[str, Any]:
    """Adds to the manifest of a claimed folder what is known only later, or takes out what is None; returns it."""
    updated = {name: value for name, value in {**read_claimed(root), **more}.items() if value is not None}
    storage.write_json(root, MANIFEST, updated)
    return updated


@contextlib.contextmanager
def freed_on_failure(root: str, *, unless: str | None = None, also: tuple[str, ...] = ()) -> Iterator[None]:
    """Frees the folder again where what is done in it fails and leaves nothing to go on from.

    The command can then begin there once more, with other flags. What was written, such as the rejected rows that an
    error speaks of, stays until it does.

    Args:
      root: The folder, which `claim` has taken.
      unless: A pattern of files to go on from.
      also: Files that `claim` has not written, but that the job writes before it begins.
    """
    try:
        yield
    except Exception:
        written, lists = _present(root), {MANIFEST, *also}
        if SUBMITTED not in read_claimed(root) and (not unless or not fnmatch.filter(written, unless)):
            if lists.issuperset(written):
                storage.delete(root, written)
            else:
                update_manifest(root, **{RECLAIMABLE: True})
            leases.clear_temporary(root)
        raise


def _present(root: str) -> list[str]:
    # A job that was killed at its first write leaves a temporary file alone.
    return [name for name in storage.listing(root) if not name.startswith(storage.TEMPORARY + "/")]


def refuse_file(root: str) -> None:
    """Refuses an output folder that is a file.

    Raises:
      UserError: It is one.
    """
    if storage.is_local(root) and os.path.exists(root) and not os.path.isdir(root):
        raise UserError(f"{root} is a file; name a folder")


def claim(
    root: str,
    new: dict,
    *,
    overwrite: bool,
    reads: list[str],
    resume: bool = False,
    goes_on_by: str = "--resume",
    more_differences: Callable[[], list[str]] = list,
) -> None:
    """Makes `root` this job's: refuses a folder that holds files, goes on with it, or empties it.

    Args:
      root: The folder.
      new: The manifest of the new job; with a `fingerprint`, to be resumed.
      overwrite: Whether to delete what an earlier job wrote there.
      reads: The files or folders that the new job reads.
      resume: Whether to go on with an earlier job of the same fingerprint, whose files stay.
      goes_on_by: The flag by which such a job goes on; "" if none does.
      more_differences: Tells in words what else differs from an earlier job.

    Raises:
      UserError: The folder is not empty and neither flag is given, nothing in it says that this
        command wrote it, what the job reads lies in it, or the earlier job was another one.
    """
    refuse_file(root)
    for path in reads:
        if (storage.absolute(path) + "/").startswith(storage.absolute(root).rstrip("/") + "/"):
            raise UserError(f"--output {root} holds {path}, which the job reads; choose another folder")
    old, present = read(root), _present(root)
    has_begun = present != [MANIFEST]
    if old and (RECLAIMABLE in old or (resume and not has_begun and SUBMITTED not in old)):
        # There is nothing to go on with, whatever the settings were.
        overwrite, resume = True, False
    if old and old["command"] != new["command"]:
        raise UserError(f"--output {root} holds what {old['command']} wrote; choose another folder")
    if present and not old:
        if not (overwrite or resume):
            raise UserError(f"--output {root} is not empty, and no job wrote it; choose another folder")
        does = f"{goes_on_by} goes on with" if resume else "--overwrite deletes"
        raise UserError(f"--output {root} holds files but no {MANIFEST}: no job wrote it, so {does} nothing")
    if old and present and not (overwrite or resume):
        choices = " or add --overwrite"
        if goes_on_by and "fingerprint" in new and not _changes(old, new) and not more_differences():
            choices = f", add {goes_on_by} to go on with its job, or --overwrite to begin anew"
        raise UserError(f"--output {root} is not empty; choose another folder{choices}")
    if old and resume:
        check_same(root, old, new, more_differences(), goes_on_by)
        leases.clear_temporary(root)
        return
    if old and SUBMITTED in old:
        raise UserError(
            f"--output {root} is that of the job {old[SUBMITTED]}, which a cluster may still be at: go on with it "
            "when it has ended (--finish, or the next --phase), or cancel it there and delete the folder"
        )
    if old:
        leases.clear_temporary(root)
        patterns = old["outputs"]
        # The manifest stays until the new one takes its place: whoever stops here can begin again.
        storage.delete(root, [name for name in present if any(fnmatch.fnmatchcase(name, p) for p in patterns)])
    storage.write_json(root, MANIFEST, new)


def check_same(root: str, old: dict, new: dict, more_differences: list[str], goes_on_by: str) -> None:
    """Refuses to go on with a job that would have given other shards.

    Raises:
      UserError: Names every difference.
    """
    changes = [*_changes(old, new), *more_differences]
    if changes:
        more = len(changes) - MOST_DIFFERENCES
        named = [*changes[:MOST_DIFFERENCES], *([f"and {more:,} more differences"] if more > 0 else [])]
        raise UserError(
            f"{goes_on_by}: the job in {root} was another one: {'; '.join(named)}; give what it was given, or choose "
            "another folder"
        )
    versions = old["versions"]
    changed = [
        f"{name} {versions.get(name)}, now {now}" for name, now in new["versions"].items() if versions.get(name) != now
    ]
    if changed:
        logger.warning("the job was begun with other versions: %s", "; ".join(changed))


def _changes(old: dict, new: dict) -> list[str]:
    # As it is written: a tuple comes back as a list.
    return differences(old.get("fingerprint", {}), json.loads(json.dumps(new["fingerprint"])))


def differences(old: dict, new: dict, prefix: str = "") -> list[str]:
    """Tells in words how two fingerprints differ.

    >>> differences({"a": 1, "inputs": {"x": [1, 2]}}, {"a": 2, "inputs": {}})
    ['a was 1 and is 2', 'inputs x is gone']
    """
    changes = []
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            changes.append(f"{prefix}{name} is gone")
        elif name not in old:
            changes.append(f"{prefix}{name} is new")
        elif isinstance(old[name], dict) and isinstance(new[name], dict):
            changes += differences(old[name], new[name], f"{prefix}{name} ")
        elif old[name] != new[name]:
            changes.append(f"{prefix}{name} was {_shown(name, old[name])} and is {_shown(name, new[name])}")
    return changes


def _shown(name: str, value: Any) -> str:
    """A value of a fingerprint as a person reads it.

    >>> _shown("modified", 1764322264.25), _shown("model_digest", "0f6c" * 16)
    ('2025-11-28 09:31:04.250 UTC', '0f6c0f6c...')
    """
    if name == "modified" and isinstance(value, int | float):
        time = datetime.datetime.fromtimestamp(value, datetime.UTC)
        return f"{time.replace(tzinfo=None).isoformat(sep=' ', timespec='milliseconds')} UTC"
    if name.endswith("digest"):
        return f"{str(value)[:8]}..."
    return str(value)
