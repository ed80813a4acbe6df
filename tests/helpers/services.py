"""Folders that look like an export to what only reads its description."""

import dataclasses
import json
import pathlib

from beam_pipelines.artifacts import exports
from tests.helpers.summaries import INFO


def made_up_version(folder: pathlib.Path, number: int, *, model: str = "cnn", size: int = 1000) -> pathlib.Path:
    """Writes a version whose weights are zeros; returns its folder."""
    version = folder / str(number)
    (version / "assets.extra").mkdir(parents=True)
    (version / "variables").mkdir()
    # A test's own folder is closed to others, and a server is one.
    folder.chmod(0o755)
    (version / exports.SAVED_MODEL).write_bytes(b"")
    with (version / "variables" / "variables.data-00000-of-00001").open("wb") as file:
        file.truncate(size)
    (version / exports.INFO).write_text(json.dumps(dataclasses.replace(INFO, model=model).to_json()))
    return version
