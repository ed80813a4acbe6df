"""Vertex AI's folders: what a training job there reads, keeps and leaves behind.

The service names them in environment variables, most often as gs:// paths, and may stop a machine
and start the command again on another: see "Environment variables for special Cloud Storage
directories" in its documentation. Where a variable is not set, nothing is copied.
"""

import os
import pathlib

from beam_pipelines import job_folder, storage
from beam_pipelines.flags import logger

CHECKPOINTS, LOGS, MODEL = "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR", "AIP_MODEL_DIR"


def restore(output: str) -> None:
    """Brings back what an interrupted run has saved, where `output` holds nothing yet."""
    kept = os.environ.get(CHECKPOINTS)
    if not kept or storage.listing(output) or not storage.exists(storage.join(kept, job_folder.MANIFEST)):
        return
    logger.info("restoring the run saved in %s", kept)
    for name in storage.listing(kept):
        storage.write_bytes(output, name, storage.read_bytes(storage.join(kept, name)))


def save(output: str) -> None:
    """Copies checkpoints and logs, after an epoch; `state.json` last, since it names the others."""
    if kept := os.environ.get(CHECKPOINTS):
        names = [name for name in storage.listing(output) if name.startswith("checkpoints/")]
        names = sorted([job_folder.MANIFEST, *names], key=lambda name: name.endswith("state.json"))
        _copy(output, names, kept)
        stale = set(storage.listing(kept)) - set(names)
        storage.delete(kept, sorted(name for name in stale if name.startswith("checkpoints/")))
    if logs := os.environ.get(LOGS):
        folder = storage.join(output, "logs")
        _copy(folder, storage.listing(folder), logs)


def publish(output: str, version: str) -> None:
    """Copies the export, a SavedModel, and the last logs; `saved_model.pb` last, since a server waits for it."""
    save(output)
    if model := os.environ.get(MODEL):
        folder = storage.join(output, version)
        names = sorted(storage.listing(folder), key=lambda name: name == "saved_model.pb")
        _copy(folder, names, model)
        logger.info("copied the export to %s", model)


def _copy(source: str, names: list[str], target: str) -> None:
    for name in names:
        storage.write_bytes(target, name, pathlib.Path(source, name).read_bytes())
    storage.clear_temporary(target)
