"""How a command starts and ends: what it logs, what it imports in silence, and its exit status."""

import gc
import logging
import os
import sys
import warnings
from collections.abc import Callable

from beam_pipelines.errors import UserError, logger

NVIDIA_DEVICE = "/dev/nvidiactl"
INTERRUPTED = 130


def run_command(main: Callable[[], int]) -> None:
    """Runs a command's `main` and exits with its status; a UserError becomes one sentence."""
    # The collector takes a quarter of the time of importing Beam and TensorFlow; see `start_collector`.
    gc.disable()
    # What goes wrong on a CPU is raised too; as an error, oneDNN also logs what it leaves to Eigen (TensorFlow 2.21).
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if has_nvidia_device() else "3")
    # Our own lines only: at INFO, Beam and TensorFlow print hundreds.
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # Keras warns of scores that are all the same (Keras 3.15).
    warnings.filterwarnings("ignore", category=UserWarning, module="keras")
    # What a step raises ends the job and is printed once, below.
    for name in ("apache_beam", "google.auth"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Beam's s3:// logs its tracebacks to the root logger itself (Beam 2.77).
    logging.getLogger().addFilter(lambda record: False)
    try:
        sys.exit(main())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.status)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except OSError as error:
        sys.exit(f"error: {error}")
    finally:
        gc.enable()


def start_collector() -> None:
    """Starts the garbage collector once all is imported; `run_command` has stopped it.

    What exists by now stays, and is more than all that comes: the collector passes it over.
    """
    gc.freeze()
    gc.enable()


def import_tensorflow() -> None:
    """Imports TensorFlow without its complaints about a GPU that this machine does not have.

    It writes them past Python and whatever its log level is (TensorFlow 2.21). Where there is an
    NVIDIA device nothing is hidden.
    """
    if has_nvidia_device() or "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    standard_error = os.dup(2)
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, 2)
    try:
        import tensorflow

        tensorflow.config.list_physical_devices("GPU")
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        os.close(null_device)


def has_nvidia_device() -> bool:
    """Whether this machine has an NVIDIA GPU with its driver, whether or not TensorFlow can use it."""
    return os.path.exists(NVIDIA_DEVICE)
