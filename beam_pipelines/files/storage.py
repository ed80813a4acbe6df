"""Files that appear whole or not at all, local or on an object store.

Local paths are handled by the operating system; any other scheme (gs://, s3://) goes through Beam's
FileSystems, which are imported only then: see `object_stores`. There, what fails is a UserError, but
for a file that does not exist, which is a FileNotFoundError everywhere.
"""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from beam_pipelines.files import attempts, globs, local_globs, retried
from beam_pipelines.files.globs import GlobMatches

if TYPE_CHECKING:
    from apache_beam.io.filesystems import FileSystems

TEMPORARY = ".tmp"
# As much as a store gives at a time.
WHOLE = 1 << 62
# What a sync of a folder fails with where its names may be lost; other errors say that it cannot be synced.
_LOST = (errno.EIO, errno.ENOSPC, errno.EDQUOT)


def is_local(path: str) -> bool:
    """Tells whether a path has no scheme."""
    return "://" not in path


def join(root: str, *names: str) -> str:
    return "/".join([root.rstrip("/"), *names]) if names else root


def absolute(path: str) -> str:
    """Makes a local path absolute, since a runner's workers may start in another folder."""
    return os.path.abspath(os.path.expanduser(path)) if is_local(path) else path


@contextlib.contextmanager
def _store(path: str) -> Iterator[type["FileSystems"]]:
    """Yields Beam's file systems; what fails in the context becomes one sentence."""
    from beam_pipelines.files import object_stores

    file_systems = object_stores.file_systems_for(path)
    with object_stores.store_errors(path):
        yield file_systems


def write_bytes(root: str, name: str, data: bytes) -> None:
    """Publishes `data` as `root/name`: readers see the finished file or none.

    Locally it is written aside under `root/.tmp` and renamed; an object store does as much itself.
    """
    final = join(root, name)
    if not is_local(root):
        from beam_pipelines.files import object_stores

        object_stores.write(final, data)
        return
    aside = pathlib.Path(temporary_folder(root), uuid.uuid4().hex)
    try:
        try:
            _write_and_rename(aside, pathlib.Path(final), data)
        except FileNotFoundError:
            # Another attempt, which took this one for dead, has cleared its folder meanwhile.
            _write_and_rename(aside, pathlib.Path(final), data)
    except OSError as error:
        # A full disk has no room for half a file.
        with contextlib.suppress(OSError):
            aside.unlink()
        raise OSError(error.errno, error.strerror, final) from error


def _write_and_rename(aside: pathlib.Path, final: pathlib.Path, data: bytes) -> None:
    make_folder(final.parent)
    aside.parent.mkdir(parents=True, exist_ok=True)
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        # Else a power cut after the rename could leave an empty file under the final name.
        os.fsync(file.fileno())
    os.replace(aside, final)
    sync_folder(final.parent)


def move_into(root: str, name: str, file: pathlib.Path) -> None:
    """Makes a local file, which is written to the disk already, appear as `root/name`."""
    final = pathlib.Path(join(root, name))
    try:
        make_folder(final.parent)
        os.replace(file, final)
        sync_folder(final.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(final)) from error


def make_folder(folder: pathlib.Path) -> None:
    """Makes a local folder, and those above it, that will be there after a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: pathlib.Path) -> None:
    """Has the names in a local folder written to the disk, where the file system can do that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _LOST:
            raise


def sync_tree(folder: pathlib.Path) -> None:
    """Has all files below a local folder, and their names, written to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(pathlib.Path(parent))


def write_json(root: str, name: str, value: Any) -> None:
    """Publishes a value as JSON that a person can read."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # In the C locale a path may hold bytes that are no characters; JSON has an escape for them.
    write_bytes(root, name, text.encode(errors="backslashreplace"))


def read_bytes(path: str) -> bytes:
    """Reads a whole file, undecoded even where its name says that it is compressed."""
    if is_local(path):
        return pathlib.Path(path).read_bytes()
    with open_bytes(path, WHOLE) as file:
        return file.read()


@contextlib.contextmanager
def open_bytes(path: str, wanted_bytes: int = 1) -> Iterator[IO[bytes]]:
    """Opens a file for reading as it is, undecoded, and for seeking.

    Args:
      path: Where it lies.
      wanted_bytes: About how many bytes are read in a row; an object store is asked for no more at a time.
    """
    if is_local(path):
        with retried.open_local(path) as file:
            yield file
    else:
        from beam_pipelines.files import object_stores

        with _store(path), object_stores.open_bytes(path, wanted_bytes) as file:
            yield file


def read_json(path: str) -> Any:
    """Reads what `write_json` wrote."""
    return json.loads(read_bytes(path))


def status(path: str) -> tuple[int, float]:
    """The size of a file in bytes, and when it was last written, in seconds since 1970, as `match` tells them.

    Raises:
      FileNotFoundError: There is none.
    """
    if is_local(path):
        found = os.stat(path)
        return found.st_size, found.st_mtime
    listed = _list_objects(path)
    if path not in listed:
        raise FileNotFoundError(errno.ENOENT, "there is no such object", path)
    return listed[path]


def exists(path: str) -> bool:
    """Tells whether there is a file; locally, or a folder."""
    if is_local(path):
        return os.path.exists(path)
    with _store(path) as store:
        return store.exists(path)


def listing(root: str) -> list[str]:
    """Lists the paths of all files below a folder, relative to it and sorted; [] if there is none."""
    if is_local(root):
        folder = pathlib.Path(root)
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    return sorted(path[len(root.rstrip("/")) + 1 :] for path in _list_objects(join(root, "**")))


def match(glob: str) -> GlobMatches:
    """Finds what matches a glob, see `globs` for what it can hold; with a slash at its end, all files in a folder."""
    glob += "*" if glob.endswith("/") else ""
    if is_local(glob):
        return local_globs.match_local(glob)
    prefix = globs.before_wildcards(glob)
    if prefix == glob:
        return GlobMatches(_list_objects(glob))
    listed, is_match = _list_objects(prefix + "**"), globs.matcher(glob)
    files = {path: status for path, status in listed.items() if is_match(path)}
    folders = {folder for path in listed for folder in globs.parents(path) if folder.startswith(prefix)}
    return GlobMatches(files, globs.without_matches(filter(is_match, folders), files))


def match_below(folder: str) -> GlobMatches:
    """Finds what `FOLDER/**` matches; nothing where there is no such folder."""
    if is_local(folder):
        return local_globs.files_below(folder)
    return match(join(folder, "**"))


def _list_objects(glob: str) -> dict[str, tuple[int, float]]:
    """The objects of a store that match a glob as Beam knows it, where wildcards match any dot."""
    with _store(glob) as store:
        entries = store.match([glob])[0].metadata_list
    # Consoles of object stores make an empty object of a folder.
    files = [entry for entry in entries if not entry.path.endswith("/")]
    return {entry.path: (entry.size_in_bytes, entry.last_updated_in_seconds) for entry in files}


def delete(root: str, names: list[str]) -> None:
    """Deletes files below `root`, and the folders that this leaves empty."""
    if not is_local(root):
        with _store(root) as store:
            store.delete([join(root, name) for name in names])
        return
    for name in names:
        os.remove(join(root, name))
        for folder in list(pathlib.Path(name).parents)[:-1]:
            with contextlib.suppress(OSError):
                os.rmdir(join(root, str(folder)))


def delete_folder(folder: str) -> None:
    """Deletes a folder, if there is one, and all that is in it."""
    if is_local(folder):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        delete(folder, listing(folder))


def temporary_folder(root: str) -> str:
    """The folder of this attempt's temporary files below `root`."""
    return join(root, TEMPORARY, attempts.name())


def copy(source: str, target: str) -> None:
    """Copies the files of a local folder, each whole or not at all."""
    for name in listing(source):
        write_bytes(target, name, pathlib.Path(source, name).read_bytes())


@contextlib.contextmanager
def local_copy(folder: str) -> Iterator[str]:
    """Yields a local folder with the same files, since TensorFlow reads only local ones."""
    if is_local(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        for name in listing(folder):
            pathlib.Path(copy, name).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(copy, name).write_bytes(read_bytes(join(folder, name)))
        yield copy
