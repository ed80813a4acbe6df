"""Turns a command's settings dataclass into its flags, and checks the flags meant for Beam.

This module imports neither Beam nor TensorFlow at the top, so that `--help` and a bad value
answer at once.
"""

import argparse
import dataclasses
import difflib
import gc
import logging
import os
import re
import sys
import types
import typing
import warnings
from collections.abc import Iterable

from beam_pipelines.errors import UserError, logger

NVIDIA_DEVICE = "/dev/nvidiactl"


def flag(help, *, default=dataclasses.MISSING, choices=None, metavar=None):
    """Declares a settings field that is also a flag of the same name."""
    metadata = {"help": help, "choices": choices, "metavar": metavar}
    return dataclasses.field(default=default, metadata=metadata)


def in_brackets(counts: dict[str, int]) -> str:
    """Counts by name, for the end of a phrase.

    >>> in_brackets({"empty_text": 2, "bad_row": 1000}), in_brackets({})
    (' (empty_text 2, bad_row 1,000)', '')
    """
    return f" ({', '.join(f'{name} {count:,}' for name, count in counts.items())})" if counts else ""


class Parser(argparse.ArgumentParser):
    """Answers a wrong flag with one sentence, not with all the flags that there are.

    Attributes:
      flags: Those that it knows, such as "--input".
    """

    flags: tuple[str, ...] = ()
    _given: tuple[str, ...] = ()

    def parse_known_args(self, args=None, namespace=None):
        self._given = tuple(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message):
        if message.startswith("the following arguments are required"):
            missing = re.findall(r"--\w+", message)
            unknown = [argument for argument in self._given if argument.partition("=")[0] not in self.flags]
            message = next((told for one in unknown if (told := misspelt(one, missing))), message)
        self.exit(2, f"{self.prog}: error: {message}\n")


def misspelt(argument: str, flags: Iterable[str]) -> str:
    """The sentence about an argument that seems to be one of some flags; empty where it does not.

    >>> misspelt("--inptu=a.csv", ["--input"]), misspelt("--runner", ["--input"])
    ('unknown argument --inptu=a.csv; did you mean --input?', '')
    """
    near = difflib.get_close_matches(argument.partition("=")[0], flags, n=1, cutoff=0.75)
    return f"unknown argument {argument}; did you mean {near[0]}?" if near else ""


def parser_for(settings_class, module: str) -> Parser:
    """Builds the parser of `python -m module`, whose description is the class's docstring."""
    parser = Parser(
        prog=f"python -m {module}",
        description=settings_class.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    hints = typing.get_type_hints(settings_class)
    parser.flags = tuple(f"--{field.name}" for field in dataclasses.fields(settings_class))
    for field in dataclasses.fields(settings_class):
        parser.add_argument(f"--{field.name}", **_argument(field, hints[field.name]))
    return parser


def _argument(field: dataclasses.Field, hint) -> dict:
    has_default = field.default is not dataclasses.MISSING
    text = field.metadata["help"]
    if has_default and field.default not in (None, (), "") and field.default is not False:
        text += f" (default: {field.default})"
    options = {"help": text.replace("%", "%%"), "required": not has_default}
    if hint is bool:
        return {**options, "action": "store_true"}
    if typing.get_origin(hint) is tuple:
        return {**options, "action": "append", "metavar": field.metadata["metavar"]}
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    return {
        **options,
        "type": hint,
        "choices": field.metadata["choices"],
        "metavar": field.metadata["metavar"] or (hint.__name__.upper() if hint is not str else None),
    }


def parse(settings_class, module: str, argv: list[str] | None, presets=lambda given: {}):
    """Parses a command line.

    Args:
      settings_class: A frozen dataclass whose fields were made with `flag`.
      module: The module that `python -m` runs, for the usage line.
      argv: The arguments, or None for those of the process.
      presets: From the given flags to the values that stand in for those not given.

    Returns:
      The settings, and the arguments that are none of ours, in their order.
    """
    parser = parser_for(settings_class, module)
    given, others = parser.parse_known_args(argv)
    values = {**presets(vars(given)), **vars(given)}
    hints = typing.get_type_hints(settings_class)
    for name, value in values.items():
        if typing.get_origin(hints[name]) is tuple:
            values[name] = tuple(value)
    try:
        return settings_class(**values), others
    except ValueError as error:
        parser.error(str(error))


def refuse_unknown(arguments: list[str], settings_class, module: str) -> None:
    """Exits with a usage error that names the first argument that nothing reads."""
    if not arguments:
        return
    parser, unknown = parser_for(settings_class, module), arguments[0]
    if not unknown.startswith("-"):
        parser.error(f"unknown argument {unknown}; a glob stands in quotes, or the shell makes several arguments of it")
    parser.error(misspelt(unknown, parser.flags) or f"unknown argument {unknown}")


def beam_options(arguments: list[str], settings_class, module: str):
    """Turns the arguments that are none of ours into Beam's options.

    Without `--runner`, or with the name that users know, `DirectRunner`, the job runs on Beam's
    in-memory runner: DirectRunner of Beam 2.77 would first try to download another runner.

    Raises:
      SystemExit: Beam does not know one of them either.
      UserError: The runner cannot be used, or not with these flags.
    """
    from apache_beam.options import pipeline_options

    from beam_pipelines.execution import runners
    from beam_pipelines.files import object_stores

    parsers = []
    options = pipeline_options.PipelineOptions(arguments)
    options.get_all_options(add_extra_args_fn=parsers.append)
    refuse_unknown(parsers[0].parse_known_args(arguments)[1], settings_class, module)
    standard = options.view_as(pipeline_options.StandardOptions)
    if standard.runner is None or standard.runner.lower() in ("directrunner", "direct"):
        standard.runner = "FnApiRunner"
    # The launching process opens files too, before there is a pipeline.
    object_stores.set_options(options)
    runners.check(options)
    return options


def import_tensorflow() -> None:
    """Imports TensorFlow without its complaints about a GPU that this machine does not have.

    It writes them past Python and whatever its log level is (TensorFlow 2.21). Where there is an
    NVIDIA device nothing is hidden.
    """
    if has_nvidia_device() or "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    standard_error = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow

        tensorflow.config.list_physical_devices("GPU")
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        os.close(nowhere)


def has_nvidia_device() -> bool:
    """Whether this machine has an NVIDIA GPU with its driver, whether or not TensorFlow can use it."""
    return os.path.exists(NVIDIA_DEVICE)


def imported() -> None:
    """Says that all is imported, where `run` runs the command: the garbage collector begins its work.

    What there is by now stays, and is more than all that comes: it is not looked through again and again.
    """
    gc.freeze()
    gc.enable()


def run(main) -> None:
    """Runs a command's `main` and exits with its status; a UserError becomes one sentence."""
    # The collector takes a quarter of the time of importing Beam and TensorFlow; see `imported`.
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
    # What a step raises ends the job and is told once, below.
    for name in ("apache_beam", "google.auth"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Beam's s3:// logs its tracebacks to the root logger itself (Beam 2.77).
    logging.getLogger().addFilter(lambda record: False)
    try:
        sys.exit(main())
    except UserError as error:
        print(f"error: {_without_step(str(error))}", file=sys.stderr)
        sys.exit(error.status)
    except KeyboardInterrupt:
        _interrupted()
    except OSError as error:
        sys.exit(f"error: {error}")
    except RuntimeError as error:
        # A runner hands on what a worker raised as the text of its traceback.
        if "KeyboardInterrupt" in str(error):
            _interrupted()
        told = r"^(?:\S*(?P<ours>UserError): (?P<sentence>.*)|\S*Error: (?P<system>\[Errno \d+\] .*))$"
        raised = re.search(told, str(error), re.MULTILINE)
        if not raised:
            raise
        print(f"error: {_without_step(raised['sentence'] or raised['system'])}", file=sys.stderr)
        sys.exit(2 if raised["ours"] else 1)
    finally:
        gc.enable()


def _without_step(message: str) -> str:
    return re.sub(r" \[while running .*", "", message)


def _interrupted() -> None:
    print("interrupted", file=sys.stderr)
    sys.exit(130)
