"""What lies in a folder, to be compared with what lay there before."""

import pathlib


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """The bytes of all files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shards(folder: pathlib.Path) -> dict[str, bytes]:
    """The bytes of what a scoring job writes for its extents."""
    return {name: data for name, data in contents(folder).items() if name.startswith(("scores", "rejected", "stat"))}


def modified(folder: pathlib.Path, *names: str) -> dict[str, int]:
    """When some files were written."""
    return {name: (folder / name).stat().st_mtime_ns for name in names}
