"""Copies of a run's files elsewhere: what an interrupted run goes on from, and what it leaves behind.

A run works in a local folder. With --output on an object store it is a temporary one, and all of it is
copied. Vertex AI names its folders in environment variables, most often as gs:// paths, and may stop
a machine and start the command again on another: see "Environment variables for special Cloud
Storage directories" in its documentation. Where a variable is not set, nothing is copied there.
"""

import contextlib
import fnmatch
import os
import pathlib
import tempfile
from collections.abc import Iterator

from beam_pipelines.artifacts import exports, trained
from beam_pipelines.commands import job_folder
from beam_pipelines.errors import logger
from beam_pipelines.files import attempts, leases, storage

CHECKPOINTS, LOGS, MODEL = "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR", "AIP_MODEL_DIR"
EVERYTHING = ("*",)
RESUMED = (job_folder.MANIFEST, f"{trained.CHECKPOINTS}/*")
# Written last: a reader takes them for the sign that the others, which they name or complete, are there.
LAST = (trained.STATE, exports.SAVED_MODEL)


def patience() -> float:
    """How many seconds a run waits for another one's lease: Vertex AI may restart it sooner than that ends."""
    restarted = os.environ.keys() & {CHECKPOINTS, LOGS, MODEL}
    return attempts.LEASE_SECONDS + attempts.RENEWAL_SECONDS if restarted else 0


def restore(output: str) -> None:
    """Brings back what an interrupted run has saved for Vertex AI, where `output` holds nothing yet."""
    kept = os.environ.get(CHECKPOINTS)
    if not kept or _names(output, EVERYTHING) or not storage.exists(storage.join(kept, job_folder.MANIFEST)):
        return
    logger.info("restoring the run saved in %s", kept)
    for name in _names(kept, RESUMED):
        storage.write_bytes(output, name, storage.read_bytes(storage.join(kept, name)))


@contextlib.contextmanager
def working_folder(output: str) -> Iterator[pathlib.Path]:
    """Yields the local folder to work in: `output`, or a copy of what a run goes on from there."""
    if storage.is_local(output):
        yield pathlib.Path(output)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in _names(output, (*RESUMED, f"{trained.LOGS}/*")):
            storage.write_bytes(folder, name, storage.read_bytes(storage.join(output, name)))
        yield pathlib.Path(folder)


class OutputCopies:
    """Keeps the copies of a run up to date.

    Args:
      folder: The local one that it works in.
      output: What --output names.
    """

    def __init__(self, folder: pathlib.Path, output: str):
        self._folder = folder
        self._output = None if storage.is_local(output) else FolderCopy(folder, output)
        self._checkpoints = _copy_of(CHECKPOINTS, folder)
        self._logs = _copy_of(LOGS, folder / trained.LOGS)

    def save(self) -> None:
        """Copies checkpoints and logs, after an epoch."""
        if self._output:
            self._output.update((*RESUMED, f"{trained.LOGS}/*"))
        if self._checkpoints:
            self._checkpoints.update(RESUMED)
        if self._logs:
            self._logs.update(EVERYTHING)

    def publish(self, version: str) -> None:
        """Copies all, and to AIP_MODEL_DIR the export, a SavedModel."""
        self.save()
        if self._output:
            self._output.update(EVERYTHING)
        if model := _copy_of(MODEL, self._folder / version):
            model.update(EVERYTHING)
            logger.info("copied the export to %s", model.target)


def _copy_of(variable: str, source: pathlib.Path) -> "FolderCopy | None":
    """Returns the copy that an environment variable asks for."""
    return FolderCopy(source, os.environ[variable]) if os.environ.get(variable) else None


class FolderCopy:
    """A copy of a local folder that is brought up to date now and then.

    Args:
      source: The folder.
      target: Where the copy lies: local, gs:// or s3://.
    """

    def __init__(self, source: pathlib.Path, target: str):
        self.target = target
        self._source = source
        # By name, the time and the size of what was copied: an epoch rewrites few of the files.
        self._copied: dict[str, tuple[int, int]] = {}

    def update(self, patterns: tuple[str, ...]) -> None:
        """Copies what is new or has changed, then deletes checkpoints that are no longer there."""
        names = _names(str(self._source), patterns)
        for name in names:
            status = (self._source / name).stat()
            version = (status.st_mtime_ns, status.st_size)
            if self._copied.get(name) != version:
                storage.write_bytes(self.target, name, (self._source / name).read_bytes())
                self._copied[name] = version
        leases.clear_temporary(self.target)
        # Checkpoints of earlier epochs go; all else that a run has written stays.
        if patterns != EVERYTHING:
            storage.delete(self.target, sorted(set(_names(self.target, (f"{trained.CHECKPOINTS}/*",))) - set(names)))


def _names(folder: str, patterns: tuple[str, ...]) -> list[str]:
    """Lists the files that match, in an order in which no reader sees half of what belongs together."""
    names = [name for name in storage.listing(folder) if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    names = [name for name in names if not name.startswith(storage.TEMPORARY)]
    return sorted(names, key=lambda name: (name.endswith(LAST), name))
