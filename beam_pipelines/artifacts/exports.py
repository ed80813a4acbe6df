"""Finds exported models; what a job needs to know of one before it loads TensorFlow."""

import dataclasses
import hashlib

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

EXTRA = "assets.extra/reviews.json"


@dataclasses.dataclass(frozen=True)
class Export:
    """A version of an exported model, by its folder.

    Attributes:
      path: The folder of the version.
      about: What `assets.extra/reviews.json` says of it.
    """

    path: str
    about: dict

    @property
    def version(self) -> int:
        return int(self.path.rstrip("/").rsplit("/", 1)[-1])

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of the version's files."""
        listed = "".join(f"{name} {digest}\n" for name, digest in sorted(self.about["digests"].items()))
        return hashlib.sha256(listed.encode()).hexdigest()


def find(folder: str, named: str = "--model") -> Export:
    """Finds a model: a version's folder, the newest in a folder of versions, or of a trainer's output.

    Args:
      folder: The folder.
      named: The flag or the argument that is it, for the messages.

    Raises:
      UserError: There is none, or it was not written by the trainer.
    """
    root = storage.absolute(folder)
    for versions in (root, storage.join(root, "export", "reviews")):
        names = storage.listing(versions)
        numbers = {int(name.split("/")[0]) for name in names if name.split("/")[0].isdecimal()}
        saved = [number for number in numbers if f"{number}/saved_model.pb" in names]
        if "saved_model.pb" in names:
            if not versions.rsplit("/", 1)[-1].isdecimal():
                raise UserError(f"{named} {folder}: the name of a version's folder is its number, as it was exported")
            return _open(versions, named)
        if saved:
            return _open(storage.join(versions, str(max(saved))), named)
    raise UserError(f"{named} {folder} holds no exported model: expected the output of trainer.task, or a folder in it")


def _open(path: str, named: str) -> Export:
    extra = storage.join(path, EXTRA)
    if not storage.exists(extra):
        raise UserError(f"{named} {path} has no {EXTRA}: it was not exported by trainer.task")
    return Export(path, storage.read_json(extra))
