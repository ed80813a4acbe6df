"""Prism, Beam's portable runner in Go, with workers as Dataflow starts them."""

import pathlib

from tests.helpers.engines import boot_worker
from tests.helpers.engines.processes import ENGINES


def flags(folder: pathlib.Path) -> list[str]:
    """The flags of a job on Prism, which the job itself starts.

    Args:
      folder: A new one, for the workers.
    """
    return ["--runner=PrismRunner", f"--prism_location={ENGINES}/beam/prism", *boot_worker.flags(folder)]
