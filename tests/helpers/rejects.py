"""The rejects that a job wrote."""

import json
import pathlib


def rejected(output: pathlib.Path) -> list[dict]:
    """Of a job's folder, file by file; none where it wrote none."""
    return [json.loads(line) for path in sorted((output / "rejected").glob("*")) for line in path.open()]
