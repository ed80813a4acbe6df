"""Files that appear whole or not at all, local or on an object store.

Local paths are handled by the operating system's rename; any other scheme (gs://, s3://) goes
through Beam's FileSystems, which are imported only then.
"""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import uuid

TEMPORARY = ".tmp"


def is_local(path: str) -> bool:
    return "://" not in path


def join(root: str, *names: str) -> str:
    return "/".join([root.rstrip("/"), *names]) if names else root


def absolute(path: str) -> str:
    """A local path made absolute, since a runner's workers may start in another folder."""
    return os.path.abspath(os.path.expanduser(path)) if is_local(path) else path


def _filesystems():
    from apache_beam.io import filesystems

    return filesystems.FileSystems


def write_bytes(root: str, name: str, data: bytes) -> None:
    """Publishes `data` as `root/name`: readers see the finished file or none.

    Locally it is written aside under `root/.tmp` and renamed. An object store publishes at
    `close`, so there it is one create, one write and one close: an exception before `close` must
    not reach it, hence no `with`.
    """
    final = join(root, name)
    if is_local(root):
        aside = pathlib.Path(root, TEMPORARY, uuid.uuid4().hex)
        aside.parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(final).parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(data)
        os.replace(aside, final)
    else:
        # As they are: by default Beam compresses what has a name like .gz.
        file = _filesystems().create(final, "application/octet-stream", "uncompressed")
        file.write(data)
        file.close()


def write_json(root: str, name: str, value) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_bytes(root, name, text.encode())


def read_bytes(path: str) -> bytes:
    """Reads a whole file, undecoded even where its name says that it is compressed."""
    if is_local(path):
        return pathlib.Path(path).read_bytes()
    with _filesystems().open(path, compression_type="uncompressed") as file:
        return file.read()


def read_json(path: str):
    return json.loads(read_bytes(path))


def exists(path: str) -> bool:
    return os.path.exists(path) if is_local(path) else _filesystems().exists(path)


def listing(root: str) -> list[str]:
    """The paths of all files below a folder, relative to it and sorted; [] if there is none."""
    if is_local(root):
        folder = pathlib.Path(root)
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    matched = _filesystems().match([join(root, "**")])[0].metadata_list
    return sorted(entry.path[len(root.rstrip("/")) + 1 :] for entry in matched)


def delete(root: str, names: list[str]) -> None:
    """Deletes files below `root`, and the folders that this leaves empty."""
    if not is_local(root):
        if names:
            _filesystems().delete([join(root, name) for name in names])
        return
    for name in names:
        os.remove(join(root, name))
        for folder in list(pathlib.Path(name).parents)[:-1]:
            with contextlib.suppress(OSError):
                os.rmdir(join(root, str(folder)))


def clear_temporary(root: str) -> None:
    """Removes what this or an earlier, crashed attempt left under `root/.tmp`."""
    if is_local(root):
        shutil.rmtree(join(root, TEMPORARY), ignore_errors=True)
    else:
        delete(root, [name for name in listing(root) if name.startswith(TEMPORARY + "/")])


def copy(source: str, target: str) -> None:
    """Copies the files of a local folder, each whole or not at all."""
    for name in listing(source):
        write_bytes(target, name, pathlib.Path(source, name).read_bytes())


@contextlib.contextmanager
def local_copy(folder: str):
    """Yields a local folder with the same files, since TensorFlow reads only local ones."""
    if is_local(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        for name in listing(folder):
            pathlib.Path(copy, name).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(copy, name).write_bytes(read_bytes(join(folder, name)))
        yield copy
