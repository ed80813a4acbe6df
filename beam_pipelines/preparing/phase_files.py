"""What one phase leaves for the next, as JSON in the folder of what the first reading has left."""

from collections.abc import Callable
from typing import Any

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.preparing.job import Job

ROWS, VOCABULARY, EXAMPLES = "rows.json", "vocabulary.json", "examples.json"


# Any: of a union of two dataclasses, Beam would make a schema of rows, and fails at it (Beam 2.77).
def write(counts: Any, *, folder: str, name: str) -> None:
    """Writes counts, within a pipeline."""
    storage.write_json(folder, name, counts.to_json())


def read(job: Job, folder: str, name: str, from_json: Callable[[dict[str, Any]], Any], phase: str) -> Any:
    """Reads what a phase has left.

    Raises:
      UserError: It has not ended.
    """
    try:
        return from_json(storage.read_json(storage.join(folder, name)))
    except FileNotFoundError:
        raise UserError(
            f"--output {job.folder} holds no end of --phase {phase}: run that first, or wait for it"
        ) from None
