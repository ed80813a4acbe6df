"""The versions in a folder: which is served, as TensorFlow Serving decides it.

The newest is loaded, and the one before it is unloaded once the newer can answer; where the newest is taken away, what
is then the newest is loaded again. A version that does not load leaves the one before it serving, and is tried again
once its files have changed.
"""

import dataclasses
import gc
import pathlib
from collections.abc import Callable, Iterable

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import logger
from serving.local_server.failures import Failure
from serving.local_server.servable import Servable

VERSION_NUMBERS = range(2**63)


@dataclasses.dataclass(frozen=True)
class Status:
    """What is known of a version.

    Attributes:
      state: A name of `tensorflow.serving.ModelVersionStatus.State`.
      servable: What answers; None unless it is AVAILABLE.
      error: Why it did not load; empty where nothing was wrong.
      files: Those that did not load: names, sizes and times.
    """

    state: str
    servable: Servable | None = None
    error: str = ""
    files: tuple = ()


class Versions:
    """The versions of one model.

    Args:
      name: The model's.
      folder: Holds the versions, a folder each.
      load: Loads one of them, warmed up.
      pinned: Those that are served; empty where it is the newest.
      labels: Numbers by label.

    Attributes:
      statuses: By number, of all that have been seen. It is replaced, never changed: any thread may read it.
    """

    def __init__(
        self,
        name: str,
        folder: pathlib.Path,
        load: Callable[[pathlib.Path], Servable],
        *,
        pinned: Iterable[int] = (),
        labels: dict[str, int] | None = None,
    ):
        self.name = name
        self.statuses: dict[int, Status] = {}
        self._folder = folder
        self._load = load
        self._pinned = frozenset(pinned)
        self._labels = labels or {}

    def find(self, name: str, version: int | None = None, label: str = "") -> Servable:
        """Finds what answers a request: a version by its number or its label, or the newest.

        Raises:
          Failure: There is none.
        """
        if not name:
            raise Failure("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        if label:
            version = self._labels.get(label) if name == self.name else None
            if version is None:
                raise Failure("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        available = {number: status.servable for number, status in self.statuses.items() if status.servable}
        wanted = max(available, default=None) if version is None else version
        servable = available.get(wanted) if wanted is not None and name == self.name else None
        if servable is None:
            asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise Failure("NOT_FOUND", f"Servable not found for request: {asked}")
        return servable

    def folder_of(self, number: int) -> pathlib.Path:
        """Where a version lies, or lay."""
        return self._folder / str(number)

    def refresh(self) -> None:
        """Loads and unloads what the folder asks for. One thread alone may call it."""
        present = self._present()
        wanted = (self._pinned & present.keys()) if self._pinned else {*sorted(present)[-1:]}
        for number in sorted(wanted):
            self._make_available(number, present[number])
        unwanted = [number for number, status in self.statuses.items() if status.servable and number not in wanted]
        if unwanted and (not wanted or any(self.statuses[number].servable for number in wanted)):
            for number in unwanted:
                logger.info("version %d is unloaded", number)
                self._set(number, Status("END"))
            # A model is held by its own functions, and takes hundreds of megabytes.
            gc.collect()

    def _make_available(self, number: int, folder: pathlib.Path) -> None:
        status = self.statuses.get(number)
        if status and (status.servable or (status.error and status.files == _files(folder))):
            return
        self._set(number, Status("LOADING"))
        files = _files(folder)
        try:
            servable = self._load(folder)
        except Exception as error:  # TensorFlow raises what it likes on a damaged file, and the server lives on.
            message = f"{type(error).__name__}: {error}"
            logger.error("version %d does not load: %s", number, message)
            self._set(number, Status("END", error=message, files=files))
        else:
            logger.info("version %d is available", number)
            self._set(number, Status("AVAILABLE", servable))

    def _set(self, number: int, status: Status) -> None:
        self.statuses = {**self.statuses, number: status}

    def _present(self) -> dict[int, pathlib.Path]:
        folders = self._folder.iterdir() if self._folder.is_dir() else []
        numbered = {int(path.name): path for path in folders if path.name.isascii() and path.name.isdecimal()}
        return {
            number: path
            for number, path in numbered.items()
            if number in VERSION_NUMBERS and (path / exports.SAVED_MODEL).is_file()
        }


def _files(folder: pathlib.Path) -> tuple:
    """The names, sizes and times of a folder's files; shorter where one goes meanwhile."""
    try:
        found = [(str(path), path.stat()) for path in sorted(folder.rglob("*"))]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
