"""Files of any size that are written bit by bit, and appear whole or not at all."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import tempfile
import uuid
from collections.abc import Iterator
from typing import IO

from beam_pipelines.files import storage


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
      bytes: How many bytes.
      checksum: Their BLAKE2b, 16 bytes in hexadecimal digits.
    """

    bytes: int
    checksum: str


class StagedFile:
    """A file on the local disk that is to be published.

    Args:
      root: The folder of what is published; if it is local, the file lies beside it until then.

    Attributes:
      stream: What is written to.
    """

    def __init__(self, root: str):
        self._root = root
        if storage.is_local(root):
            self._path = pathlib.Path(storage.temporary_folder(root), uuid.uuid4().hex)
            self._path.parent.mkdir(parents=True, exist_ok=True)
        else:
            handle, path = tempfile.mkstemp(prefix="review_scorer_")
            os.close(handle)
            self._path = pathlib.Path(path)
        self.stream: IO[bytes] = self._path.open("wb")

    def close(self) -> Written:
        """Ends the writing; tells what was written."""
        self.stream.flush()
        if storage.is_local(self._root):
            # Else a power cut after the rename could leave an empty file under the final name.
            os.fsync(self.stream.fileno())
        self.stream.close()
        with self._path.open("rb") as file:
            return describe(file)

    def publish(self, name: str) -> None:
        """Makes the closed file appear as `root/name`."""
        if storage.is_local(self._root):
            storage.move_into(self._root, name, self._path)
            return
        from beam_pipelines.files import object_stores

        with self._path.open("rb") as file:
            object_stores.write(storage.join(self._root, name), file)
        self._path.unlink()

    def discard(self) -> None:
        """Removes the file, unless it was published."""
        self.stream.close()
        self._path.unlink(missing_ok=True)


def describe(file: IO[bytes]) -> Written:
    """Tells what a file holds, from where it stands to its end."""
    digest = hashlib.blake2b(digest_size=16)
    count = 0
    while data := file.read(1 << 20):
        digest.update(data)
        count += len(data)
    return Written(count, digest.hexdigest())


def holds(root: str, name: str, written: Written) -> bool:
    """Whether `root/name` is there, and is what was written."""
    try:
        with storage.open_bytes(storage.join(root, name), written.bytes) as file:
            return describe(file) == written
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def discarded(*files: StagedFile) -> Iterator[None]:
    """Discards files in the end, but those that were published."""
    try:
        yield
    finally:
        for file in files:
            file.discard()
