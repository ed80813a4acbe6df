"""The folder of versions that a server watches.

    DIR/20260101120000/            a version; the newest one is live, or the newest that a service pins
    DIR/withdrawn/20260102120000/  one that was rolled back: servers pass over what is not named by a number
    DIR/published.json             when each was published, with which error, and why in spite of a check
    DIR/pinned.json                which services name versions of it in their configuration, and which

A server polls the folder and takes up whatever stands there, so a version appears at once or not at all: locally by
rename; on an object store, which has none, `saved_model.pb` comes last.
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.errors import UserError
from beam_pipelines.files import leases, storage
from serving.publishing.publication import Publication, exported_at, measured, now

PUBLISHED, PINNED = "published.json", "pinned.json"
WITHDRAWN = "withdrawn"


@dataclasses.dataclass(frozen=True)
class LiveFolder:
    """A folder of versions.

    Attributes:
      path: Local, gs:// or s3://.
    """

    path: str

    @classmethod
    def of(cls, folder: str) -> "LiveFolder":
        """Takes a folder of versions, or that of a trainer's output.

        Raises:
          UserError: It is a version itself.
        """
        path = storage.absolute(folder)
        if storage.exists(storage.join(path, exports.SAVED_MODEL)):
            raise UserError(f"--to {folder} is a version itself; name the folder of versions that a server watches")
        inner = storage.join(path, exports.VERSIONS)
        return cls(inner if storage.listing(inner) else path)

    @property
    def versions(self) -> list[int]:
        """What a server takes for versions, the oldest first: all that is named by a number, whatever it holds."""
        return _numbered(self.path)

    @property
    def withdrawn(self) -> list[int]:
        return _numbered(storage.join(self.path, WITHDRAWN))

    @property
    def live(self) -> int | None:
        """The version that is answered with: the newest of those that services pin, or where none does of all.

        One that is not whole is none: a server fails at it, and goes on with the one before.
        """
        return max(self.pinned or self.whole, default=None)

    @property
    def whole(self) -> list[int]:
        """Those of its versions that a server could load, the oldest first."""
        return [version for version in self.versions if self.is_whole(version)]

    @property
    def pinned(self) -> list[int]:
        """Those of its versions that services pin, the oldest first."""
        return [version for version in self.versions if self.pinned_by(version)]

    def export(self, version: int) -> Export:
        """Returns a version.

        Raises:
          UserError: It is no export.
        """
        return exports.find(storage.join(self.path, str(version)), "--to")

    def is_whole(self, version: int) -> bool:
        """Whether a server could load a version: on an object store a part of one may be left."""
        return storage.exists(storage.join(self.path, str(version), exports.SAVED_MODEL))

    def publications(self) -> dict[int, Publication]:
        """What is known of the versions that were published here, by number."""
        listed = self._read(PUBLISHED, lambda entries: [Publication.from_json(entry) for entry in entries]) or []
        return {publication.version: publication for publication in listed}

    def publication(self, version: int) -> Publication:
        """What is known of a version; one that the trainer put there tells of itself.

        Raises:
          UserError: It is no export, or a part of one.
        """
        if version in self.versions and not self.is_whole(version):
            raise UserError(f"{storage.join(self.path, str(version))} has no {exports.SAVED_MODEL}")
        known = self.publications().get(version)
        if known:
            return known
        folder = self.path if version in self.versions else storage.join(self.path, WITHDRAWN)
        split, mae = measured(exports.find(storage.join(folder, str(version)), "--to"))
        return Publication(version=version, published=exported_at(version), mae=mae, mae_split=split)

    def pins(self) -> dict[str, list[int]]:
        """The versions that services pin, by the folder of their configuration."""
        return self._read(PINNED, dict) or {}

    def pin(self, service: str, versions: list[int]) -> None:
        """Notes which versions the configuration in a folder pins."""
        self._write_pins(self.pins() | {service: versions})

    def unpin(self, service: str) -> list[int]:
        """Forgets a service that is no more; returns the versions that it pinned.

        Raises:
          UserError: It pins none.
        """
        pins = self.pins()
        if service not in pins:
            known = ", ".join(pins) or "none"
            raise UserError(f"{service} pins no version of {self.path}; services that do: {known}")
        self._write_pins({name: versions for name, versions in pins.items() if name != service})
        return pins[service]

    def _write_pins(self, pins: dict[str, list[int]]) -> None:
        storage.write_json(self.path, PINNED, pins)
        leases.clear_temporary(self.path)

    def pinned_by(self, version: int) -> list[str]:
        """The services that pin a version."""
        return [service for service, versions in self.pins().items() if version in versions]

    def refuse_older(self, export: Export) -> None:
        """Refuses a version that a server would not take for the newest.

        Raises:
          UserError: The folder has or had it, or a newer one.
        """
        if export.version in self.withdrawn:
            place = storage.join(self.path, WITHDRAWN, str(export.version))
            raise UserError(
                f"version {export.version} was withdrawn from {self.path}; to bring it back, move {place} to "
                f"{storage.join(self.path, str(export.version))}"
            )
        if export.version in self.whole:
            raise UserError(f"version {export.version} is in {self.path} already")
        # What was begun on an object store may be completed.
        there = [version for version in self.versions if version != export.version]
        newest = max([*there, *self.withdrawn], default=0)
        if export.version <= newest:
            raise UserError(
                f"version {export.version} is no newer than {newest}, which {self.path} has or had: servers take the "
                "greatest number for the newest, and clients may hold its answers; train it again, or take away "
                "what is none of your versions"
            )

    def add(self, export: Export, forced: str | None = None, fault: str | None = None) -> None:
        """Publishes a version under its number; `forced` says why, where it did not pass, and `fault` what."""
        split, mae = measured(export)
        # Before the version is there: why it was forced should not be lost.
        before = self.publications()
        self._write(before | {export.version: Publication(export.version, now(), mae, split, forced, fault)})
        try:
            if storage.is_local(self.path):
                self._add_by_rename(export)
            else:
                self._add_to_store(export)
        except Exception:
            self._write(before)
            raise

    def withdraw(self) -> int:
        """Takes the newest version out, with parts of versions before it; returns its number.

        Raises:
          UserError: No other version is left, or a service pins it.
        """
        *_, newest = self.versions or [0]
        earlier = [version for version in self.whole if version < newest]
        if not earlier:
            raise UserError(f"{self.path} has no earlier version to go back to, but {self.versions or 'none at all'}")
        before = earlier[-1]
        self._refuse_pinned(newest, before)
        try:
            known = self.publication(newest)
        except UserError:  # What cannot be read has to go all the more.
            known = Publication(version=newest, published=exported_at(newest))
        # A server would take a part of one, left by an interruption, for the newest then.
        for version in reversed([version for version in self.versions if version > before]):
            self._move_out(version)
        self._write(self.publications() | {newest: dataclasses.replace(known, withdrawn=now())})
        return newest

    def _refuse_pinned(self, newest: int, before: int) -> None:
        for service in self.pinned_by(newest):
            raise UserError(
                f"version {newest} is pinned in {service}, whose README.md tells how to change to {before} there; "
                f"where that service is no more, serving.publish --to {self.path} --unpin {service}"
            )

    def _move_out(self, version: int) -> None:
        source, target = storage.join(self.path, str(version)), storage.join(self.path, WITHDRAWN, str(version))
        if storage.is_local(self.path):
            storage.make_folder(pathlib.Path(target).parent)
            os.rename(source, target)
            storage.sync_folder(pathlib.Path(self.path))
        else:
            self._move_in_store(source, target)

    def prune(self, keep: int) -> list[int]:
        """Deletes all but the newest versions and those that a service pins; returns the numbers of those deleted.

        What was withdrawn goes with the versions of its age.
        """
        first, *_ = self.whole[-keep:]
        old = [version for version in self.versions if version < first and not self.pinned_by(version)]
        withdrawn = [version for version in self.withdrawn if version < first]
        for name in (*map(str, old), *(f"{WITHDRAWN}/{version}" for version in withdrawn)):
            _delete(storage.join(self.path, name))
        if withdrawn and storage.is_local(self.path):
            with contextlib.suppress(OSError):  # Others are left in it.
                os.rmdir(storage.join(self.path, WITHDRAWN))
        return sorted(old + withdrawn)

    def _add_by_rename(self, export: Export) -> None:
        aside = pathlib.Path(storage.temporary_folder(self.path), str(export.version))
        try:
            with storage.local_copy(export.path) as source:
                storage.copy(source, str(aside))
            for name in export.info.changed_files(str(aside)):
                raise UserError(f"{export.path}/{name} is not the file that was exported")
            leases.clear_temporary(str(aside))
            storage.sync_tree(aside)
            os.rename(aside, storage.join(self.path, str(export.version)))
            storage.sync_folder(pathlib.Path(self.path))
        finally:
            leases.clear_own(self.path)

    def _add_to_store(self, export: Export) -> None:
        target = storage.join(self.path, str(export.version))
        names = sorted(storage.listing(export.path), key=lambda name: name == exports.SAVED_MODEL)
        for name in names:
            storage.write_bytes(target, name, storage.read_bytes(storage.join(export.path, name)))

    def _move_in_store(self, source: str, target: str) -> None:
        names = storage.listing(source)
        for name in names:
            storage.write_bytes(target, name, storage.read_bytes(storage.join(source, name)))
        _delete(source)

    def _read(self, name: str, of_json: Callable[[Any], Any]) -> Any:
        """Reads a file of the folder; None where there is none.

        Raises:
          UserError: It is damaged.
        """
        path = storage.join(self.path, name)
        try:
            return of_json(storage.read_json(path)) if storage.exists(path) else None
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is damaged ({error}); mend it or move it away") from error

    def _write(self, known: dict[int, Publication]) -> None:
        storage.write_json(self.path, PUBLISHED, [known[version].to_json() for version in sorted(known)])


def live_export(path: str, flag: str) -> Export:
    """Returns a version, or, of a folder of versions, the newest that a service pins, or where none does of all.

    Raises:
      UserError: There is none; it names the flag.
    """
    if not storage.exists(storage.join(storage.absolute(path), exports.SAVED_MODEL)):
        folder = LiveFolder.of(path)
        if folder.pinned:
            path = storage.join(folder.path, str(folder.pinned[-1]))
    return exports.find(path, flag)


def _delete(version: str) -> None:
    """Deletes a version's folder; what a server looks for goes first: it finds a version whole or not at all."""
    if storage.exists(storage.join(version, exports.SAVED_MODEL)):
        storage.delete(version, [exports.SAVED_MODEL])
    storage.delete_folder(version)


def _numbered(folder: str) -> list[int]:
    """The numbers that stand for versions in a folder, as a server sees them, links too."""
    if storage.is_local(folder):
        names = [entry.name for entry in os.scandir(folder) if entry.is_dir()] if os.path.isdir(folder) else []
    else:
        names = [name.partition("/")[0] for name in storage.listing(folder) if "/" in name]
    return sorted({int(name) for name in names if name.isascii() and name.isdecimal()})
