"""After a power cut, what was written and renamed is there, with the folders around it."""

import errno
import os

import pytest

from beam_pipelines.files import leases, storage


def write(root: str, *names: str) -> None:
    for name in names:
        storage.write_bytes(root, name, name.encode())


@pytest.fixture
def synced(monkeypatch) -> list[str]:
    """The paths that are written to the disk, in their order; a file that is renamed then has its later name."""
    paths, fsync, replace = [], os.fsync, os.replace

    def note(descriptor):
        paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def rename(source, target):
        replace(source, target)
        paths[:] = [str(target) if path == str(source) else path for path in paths]
        paths.append(f"renamed to {target}")

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", rename)
    return paths


linux = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="tells the name of a descriptor on Linux alone")


@linux
def test_after_a_power_cut_a_file_and_its_folders_are_there(tmp_path, synced):
    """The names of new folders stand in those above them."""
    root = tmp_path / "new" / "job"
    storage.write_bytes(str(root), "scores/a", b"data")
    final = f"{root}/scores/a"
    assert synced == [*map(str, [tmp_path, tmp_path / "new", root]), final, f"renamed to {final}", f"{root}/scores"]
    synced.clear()
    storage.write_bytes(str(root), "scores/b", b"data")
    assert synced == [f"{root}/scores/b", f"renamed to {root}/scores/b", f"{root}/scores"]


@linux
def test_all_of_a_folder_is_written_to_the_disk(tmp_path, synced):
    write(str(tmp_path), "a", "b/c")
    leases.clear_temporary(str(tmp_path))
    synced.clear()
    storage.sync_tree(tmp_path)
    assert sorted(synced) == [str(tmp_path / name) for name in ("", "a", "b", "b/c")]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES])
def test_a_file_system_may_not_sync_folders(tmp_path, monkeypatch, code):
    fsync = os.fsync

    def refuse(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write(str(tmp_path), "scores/a")
    assert storage.read_bytes(f"{tmp_path}/scores/a") == b"scores/a"


def test_a_folder_whose_names_may_be_lost_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output error"):
        storage.sync_folder(tmp_path)
