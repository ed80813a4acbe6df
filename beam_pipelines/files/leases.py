"""The attempts that live hold a lease on the folder that they write to; temporary files of others are removed."""

import contextlib
import os
import pathlib
import shutil
import time

from beam_pipelines.files import attempts, storage
from beam_pipelines.files.attempts import Lease


def clear_temporary(root: str) -> None:
    """Removes what this or an earlier, crashed attempt left under `root/.tmp`; what holds a lease there stays."""
    folder = storage.join(root, storage.TEMPORARY)
    living = living_attempts(root)

    def stays(name: str) -> bool:
        return name.removesuffix(attempts.LEASE) in living or name == attempts.name() + attempts.LEASE

    if not storage.is_local(root):
        storage.delete(folder, [name for name in storage.listing(folder) if not stays(name.partition("/")[0])])
        return
    for path in pathlib.Path(folder).glob("*"):
        if path.is_dir() and not stays(path.name):
            shutil.rmtree(path, ignore_errors=True)
        elif not stays(path.name):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def clear_own(root: str) -> None:
    """Removes the temporary files of this attempt alone: those of a cluster's workers, who hold no lease, stay."""
    storage.delete_folder(storage.temporary_folder(root))
    if storage.is_local(root):
        with contextlib.suppress(OSError):  # Others have theirs in it.
            os.rmdir(storage.join(root, storage.TEMPORARY))


def living_attempts(root: str) -> dict[str, Lease]:
    """The leases of other attempts that write to `root`, by their names."""
    renewed = _lease_times(root)
    # By one clock, that of the file system.
    now = renewed.pop(attempts.name(), time.time())
    fresh = [name for name, when in renewed.items() if when > now - attempts.LEASE_SECONDS]
    leases: dict[str, Lease] = {}
    for name in fresh:
        # It may have been given back meanwhile, or be no lease of ours.
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            leases[name] = Lease(**storage.read_json(storage.join(root, storage.TEMPORARY, name + attempts.LEASE)))
    return {name: lease for name, lease in leases.items() if not lease.has_ended}


def _lease_times(root: str) -> dict[str, float]:
    """When each lease was last renewed, in seconds since 1970, by the name of its attempt."""
    if storage.is_local(root):
        times = {}
        for path in pathlib.Path(root, storage.TEMPORARY).glob("*" + attempts.LEASE):
            with contextlib.suppress(FileNotFoundError):
                times[path.name] = path.stat().st_mtime
    else:
        found = storage.match(storage.join(root, storage.TEMPORARY, "*" + attempts.LEASE))
        times = {path.rpartition("/")[2]: modified for path, (_, modified) in found.files.items()}
    return {name.removesuffix(attempts.LEASE): modified for name, modified in times.items()}
