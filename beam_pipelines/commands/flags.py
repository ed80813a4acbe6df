"""Turns a command's settings dataclass into its flags.

This module imports neither Beam nor TensorFlow, so that `--help` and a bad value answer at once.
"""

import argparse
import dataclasses
import difflib
import os
import re
import sys
import types
import typing
from collections.abc import Iterable
from typing import Any


# Any, as `dataclasses.field` itself is typed: a field keeps the type that it is annotated with.
def flag(
    help_text: str,
    *,
    default: Any = dataclasses.MISSING,
    choices=None,
    alone: str | None = None,
    metavar: str | None = None,
    is_path: bool = False,
) -> Any:
    """Declares a settings field that is also a flag of the same name.

    Args:
      help_text: For `--help`.
      default: Without one, the flag is required.
      choices: The values that may be given.
      alone: The value of the flag where none is given with it; None where one must be.
      metavar: What stands for the value in `--help`.
      is_path: Whether a leading ~ is the user's home, which no shell expands in `--output=~/scored`.
    """
    metadata = {"help": help_text, "choices": choices, "alone": alone, "metavar": metavar, "is_path": is_path}
    return dataclasses.field(default=default, metadata={**metadata, "is_positional": False})


def argument(help_text: str, *, default: Any = dataclasses.MISSING) -> Any:
    """Declares a settings field that is a path and is given without a flag; without a default it is required."""
    field = flag(help_text, default=default, is_path=True)
    return dataclasses.field(default=field.default, metadata={**field.metadata, "is_positional": True})


def export_argument(**options: Any) -> Any:
    """Declares the argument EXPORT, a model that was exported."""
    return argument("a version, a folder of versions (its newest), or the trainer's output", **options)


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
            sentences = (did_you_mean(argument, missing) for argument in unknown)
            message = next(filter(None, sentences), message)
        elif message.startswith("unrecognized arguments: "):
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            sentences = (did_you_mean(argument, known) for argument in message.split()[2:])
            message = next(filter(None, sentences), message)
        self.exit(2, f"{self.prog}: error: {message}\n")


def did_you_mean(argument: str, flags: Iterable[str]) -> str:
    """The sentence about an argument that seems to be one of some flags; empty where it does not.

    >>> did_you_mean("--inptu=a.csv", ["--input"]), did_you_mean("--runner", ["--input"])
    ('unknown argument --inptu=a.csv; did you mean --input?', '')
    """
    near = difflib.get_close_matches(argument.partition("=")[0], flags, n=1, cutoff=0.75)
    return f"unknown argument {argument}; did you mean {near[0]}?" if near else ""


def parser_for(settings_class, program: str) -> Parser:
    """Builds the parser of a program, whose description is the class's docstring.

    Flags of a base class with a `GROUP`, its title, stand together in `--help`.
    """
    parser = Parser(
        prog=program,
        description=called(settings_class.__doc__, program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for base in settings_class.__mro__:
        if "GROUP" in vars(base):
            group = parser.add_argument_group(base.GROUP)
            groups |= {field.name: group for field in dataclasses.fields(base)}
    hints = typing.get_type_hints(settings_class)
    for field in dataclasses.fields(settings_class):
        name = field.name if field.metadata["is_positional"] else f"--{field.name}"
        groups.get(field.name, parser).add_argument(name, **_argument(field, hints[field.name]))
    parser.flags = tuple(flag for flag in parser._option_string_actions if flag.startswith("--") and flag != "--help")
    return parser


def _argument(field: dataclasses.Field, hint) -> dict:
    has_default = field.default is not dataclasses.MISSING
    text = field.metadata["help"]
    if has_default and field.default not in (None, (), "") and field.default is not False:
        text += f" (default: {field.default})"
    options = {"help": text.replace("%", "%%")}
    if field.metadata["is_positional"]:
        optional = {"nargs": "?"} if has_default else {}
        return {**options, **optional, "type": os.path.expanduser, "metavar": field.name.upper()}
    options["required"] = not has_default
    if hint is bool:
        return {**options, "action": "store_true"}
    to_path = os.path.expanduser if field.metadata["is_path"] else None
    if typing.get_origin(hint) is tuple:
        return {**options, "action": "append", "type": to_path or str, "metavar": field.metadata["metavar"]}
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    if field.metadata["alone"] is not None:
        options |= {"nargs": "?", "const": field.metadata["alone"]}
    return {
        **options,
        "type": to_path or hint,
        "choices": field.metadata["choices"],
        "metavar": field.metadata["metavar"] or (hint.__name__.upper() if hint is not str else None),
    }


def called(description: str | None, program: str) -> str:
    """Puts what was called into the examples of a description.

    >>> called("Try: python -m trainer.task --data prepared", "review-scorer train")
    'Try: review-scorer train --data prepared'
    """
    return re.sub(r"python -m [\w.]+", program, description or "")


def parse(settings_class, program: str, argv: list[str] | None, presets=lambda given: {}):
    """Parses a command line.

    Args:
      settings_class: A frozen dataclass whose fields were made with `flag`.
      program: What runs, for the usage line, such as "python -m trainer.task".
      argv: The arguments, or None for those of the process.
      presets: From the given flags to the values that stand in for those not given.

    Returns:
      The settings, and the arguments that are none of ours, in their order.
    """
    parser = parser_for(settings_class, program)
    given, others = parser.parse_known_args(argv)
    values = {**presets(vars(given)), **vars(given)}
    hints = typing.get_type_hints(settings_class)
    for name, value in values.items():
        if typing.get_origin(hints[name]) is tuple:
            values[name] = tuple(value)
    try:
        return settings_class(**values), others
    except ValueError as error:
        # What is missing may have been misspelt.
        misspelt = (did_you_mean(argument, parser.flags) for argument in others)
        parser.error(next(filter(None, misspelt), str(error)))


def as_arguments(settings: Any) -> list[str]:
    """The arguments that give such settings, without those that have their defaults.

    >>> @dataclasses.dataclass
    ... class Settings:
    ...     input: tuple[str, ...] = flag("")
    ...     resume: bool = flag("", default=False)
    >>> as_arguments(Settings(("a", "b"), True))
    ['--input', 'a', '--input', 'b', '--resume']
    """
    arguments: list[str] = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value == field.default:
            continue
        name = [] if field.metadata["is_positional"] else [f"--{field.name}"]
        if value is True:
            arguments += name
        else:
            for one in value if isinstance(value, tuple) else [value]:
                arguments += [*name, str(one)]
    return arguments


def refuse_unused(settings: Any, names: Iterable[str], why: str) -> None:
    """Refuses flags that would change nothing beside the others, unless they have their defaults.

    Args:
      settings: Those that were given.
      names: Of the fields that may not differ from their defaults.
      why: The end of the sentence, such as "needs --against".

    Raises:
      ValueError: One of them differs.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    for name in names:
        if getattr(settings, name) != defaults[name]:
            raise ValueError(f"--{name} {why}")


def refuse_unknown(arguments: list[str], settings_class, program: str) -> None:
    """Exits with a usage error that names the first argument that nothing reads."""
    if not arguments:
        return
    parser, unknown = parser_for(settings_class, program), arguments[0]
    if not unknown.startswith("-"):
        has_glob = "--input" in parser.flags
        hint = "; a glob stands in quotes, or the shell makes several arguments of it" if has_glob else ""
        parser.error(f"unknown argument {unknown}{hint}")
    parser.error(did_you_mean(unknown, parser.flags) or f"unknown argument {unknown}")
