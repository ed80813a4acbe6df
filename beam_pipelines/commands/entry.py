"""How a command starts and ends: what it logs, what it imports in silence, and its exit status."""

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import NoReturn

from beam_pipelines.commands import streams
from beam_pipelines.errors import JobError, UserError, logger

NVIDIA_DEVICE = "/dev/nvidiactl"
# The loggers of the programs that Beam's runners start.
JOB_SERVERS = ("PrismJobServer", "FlinkJarJobServer", "SparkJarJobServer")
INTERRUPTED = 130
TERMINATED = 143


def run_command(main: Callable[[], int], *, after_interruption: str = "") -> NoReturn:
    """Runs a command's `main` and exits with its status; a UserError becomes one sentence.

    Args:
      main: Returns the status.
      after_interruption: How to go on from there, for whoever has interrupted it.
    """
    # What goes wrong on a CPU is raised too; as an error, oneDNN also logs what it leaves to Eigen (TensorFlow 2.21).
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if has_nvidia_device() else "3")
    # It says so when it ends the job server that it started, after all else.
    logging.getLogger("apache_beam.utils.subprocess_server").addFilter(_nothing)
    with streams.lenient(), _our_lines_alone(), _without_collector(), _interrupted_by_sigterm() as terminations:
        sys.exit(_status(main, after_interruption, terminations))


def _status(main: Callable[[], int], after_interruption: str, terminations: list[int]) -> int:
    """Runs a command and returns its status; what a person has to know of an error is printed."""
    try:
        return main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        ending, status = ("terminated", TERMINATED) if terminations else ("interrupted", INTERRUPTED)
        print("; ".join(filter(None, (ending, after_interruption))), file=sys.stderr)
        return status
    except (JobError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[list[int]]:
    """Lets SIGTERM, as `timeout` and schedulers send it, end a command as Ctrl-C does: locks and copies are given back.

    Yields:
      What tells whether one came: it is empty until then.
    """
    terminations: list[int] = []

    def interrupt(number: int, frame: object) -> NoReturn:
        # `timeout` sends it twice, and the second one would end what cleans up.
        signal.signal(number, signal.SIG_IGN)
        terminations.append(number)
        raise KeyboardInterrupt

    is_free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    # Python lets no other thread set one, and a program around may have its own.
    if not is_free or threading.current_thread() is not threading.main_thread():
        yield terminations
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield terminations
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _our_lines_alone() -> Iterator[None]:
    """Prints our log and no other's: at INFO, Beam and TensorFlow print hundreds of lines.

    Logging is then left as it was found, for a notebook that runs another command, or goes on with its own work.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    # What a step raises ends the job and is printed once.
    silenced = [logging.getLogger(name) for name in ("apache_beam", "google.auth")]
    levels = [(library, library.level) for library in silenced]
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for library in silenced:
        library.setLevel(logging.CRITICAL)
    # Beam's s3:// logs its tracebacks to the root logger itself, which without a handler would be given one, and its
    # job servers to loggers whose level they set (Beam 2.77).
    filtered = [logging.getLogger(name) for name in ("", *JOB_SERVERS)]
    for library in filtered:
        library.addFilter(_nothing)
    no_handler = logging.NullHandler()
    logging.getLogger().addHandler(no_handler)
    try:
        with warnings.catch_warnings():
            # Keras warns of scores that are all the same (Keras 3.15).
            warnings.filterwarnings("ignore", category=UserWarning, module="keras")
            yield
    finally:
        logging.getLogger().removeHandler(no_handler)
        for library in filtered:
            library.removeFilter(_nothing)
        for library, level in levels:
            library.setLevel(level)
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def _nothing(record: logging.LogRecord) -> bool:
    return False


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Stops the garbage collector, which takes a quarter of the time of importing Beam and TensorFlow."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def start_collector() -> None:
    """Starts the garbage collector once all is imported, where `run_command` has stopped it.

    What exists by now stays, and is more than all that comes: the collector passes it over.
    """
    if not gc.isenabled():
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
