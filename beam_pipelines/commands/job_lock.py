"""One job at a time in an output folder, as far as that can be had.

A local folder is locked, and the lock ends with the process, however that ends. Where there are no locks, on an object
store and on some file systems of a network, a lease tells that a job lives. That is no proof: two jobs may begin at one
moment, and a machine may stand still for longer than its lease counts. Nothing that is written rests on it, since files
appear whole; it keeps people from starting a job twice by mistake.
"""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import threading
import time
from collections.abc import Iterator

from beam_pipelines.commands import job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import attempts, leases, storage
from beam_pipelines.files.attempts import Lease

# How often a job that waits for the end of a lease looks again.
_PAUSE_SECONDS = 5


@contextlib.contextmanager
def only_job(root: str, *, patience: float = 0) -> Iterator[None]:
    """Keeps other jobs out of a folder, which is made if there is none.

    Args:
      root: The folder.
      patience: How many seconds to wait for the end of a lease, which may be that of a machine that is gone.

    Raises:
      UserError: Another job works there, or the folder cannot be written to.
    """
    job_folder.refuse_file(root)
    is_new = storage.is_local(root) and not os.path.exists(root)
    try:
        with _locked(root) as is_locked, _leased(root):
            if not is_locked:
                _wait_for_others(root, patience)
            yield
    finally:
        if is_new:
            # A job that was refused leaves nothing behind.
            with contextlib.suppress(OSError):
                os.rmdir(root)


@contextlib.contextmanager
def _locked(root: str) -> Iterator[bool]:
    """Locks a local folder; yields whether it could, since an object store and some other file systems have no locks.

    Raises:
      UserError: Another process has locked it.
    """
    if not storage.is_local(root):
        yield False
        return
    with _writable(root):
        storage.make_folder(pathlib.Path(root))
        descriptor = os.open(root, os.O_RDONLY)
    try:
        yield _lock(descriptor, root)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, root: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(_in_use(root, [*leases.living_attempts(root).values()])) from None
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _leased(root: str) -> Iterator[None]:
    """Takes a lease, renews it, and gives it back."""
    name = f"{storage.TEMPORARY}/{attempts.name()}{attempts.LEASE}"
    lease = dataclasses.asdict(Lease.of_this_process())
    ended = threading.Event()

    def renew():
        while not ended.wait(attempts.RENEWAL_SECONDS):
            # If it fails, the next one may succeed.
            with contextlib.suppress(Exception):
                storage.write_json(root, name, lease)

    with _writable(root):
        storage.write_json(root, name, lease)
    renewal = threading.Thread(target=renew, daemon=True)
    renewal.start()
    try:
        yield
    finally:
        ended.set()
        renewal.join(1)
        # Where the folder can no longer be reached, the lease ends by itself.
        with contextlib.suppress(OSError, UserError):
            clear = leases.clear_own if job_folder.is_submitted(root) else leases.clear_temporary
            clear(root)
            storage.delete(root, [name])


@contextlib.contextmanager
def _writable(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{root} cannot be written to: {error.strerror}; choose another folder") from error


def _wait_for_others(root: str, patience: float) -> None:
    """Waits for the end of other attempts' leases.

    Raises:
      UserError: One is still renewed when the patience ends.
    """
    until = time.monotonic() + patience
    told = False
    while others := leases.living_attempts(root):
        in_use = _in_use(root, [*others.values()])
        if time.monotonic() >= until:
            raise UserError(f"{in_use}; if it was killed, try again in {attempts.LEASE_SECONDS // 60} minutes")
        if not told:
            logger.info("waiting for up to %.0f s: %s", patience, in_use)
            told = True
        time.sleep(_PAUSE_SECONDS)


def _in_use(root: str, leases: list[Lease]) -> str:
    holder = "another job"
    if leases:
        first = min(leases, key=lambda lease: lease.started)
        holder = f"a job that runs on {first.host} as process {first.process} since {first.started}"
    return f"{root} is in use by {holder}; wait for its end, or choose another folder"
