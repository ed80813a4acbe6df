"""The program `review-scorer`: `review-scorer score ...` is `python -m beam_pipelines.score ...`.

`python -m` looks for a module in the working folder first, where another program may have a package `trainer`; an
installed program does not look there.
"""

import argparse
import functools
import sys
import types
from typing import NoReturn

from beam_pipelines.commands import entry, flags

PROGRAM = "review-scorer"
COMMANDS = ("preprocess", "train", "score", "verify", "check", "publish", "configure", "local", "ask")


def module_of(command: str) -> types.ModuleType:
    """Imports the module of a command, and of no other: `ask` would wait longer for them than for its answer."""
    match command:
        case "preprocess":
            from beam_pipelines import preprocess

            return preprocess
        case "train":
            from trainer import task

            return task
        case "score":
            from beam_pipelines import score

            return score
        case "verify":
            from beam_pipelines import verify

            return verify
        case "check":
            from serving import check

            return check
        case "publish":
            from serving import publish

            return publish
        case "configure":
            from serving import configure

            return configure
        case "local":
            from serving import local

            return local
        case "ask":
            from serving import ask

            return ask
        case _:
            raise KeyError(command)


def main() -> NoReturn:
    """Runs the command that the process was called with."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in COMMANDS:
        entry.run_command(help_or_refuse)
    command = module_of(name)
    run = functools.partial(command.main, arguments, f"{PROGRAM} {name}")
    entry.run_command(run, after_interruption=command.AFTER_INTERRUPTION)


def help_or_refuse() -> int:
    """Answers `--help`, or refuses what is no command; the parser exits in both cases."""
    summaries = {name: (module_of(name).__doc__ or "").partition("\n")[0] for name in COMMANDS}
    parser = flags.Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND [FLAGS]",
        description="Learns the score of a review from its text, and scores archives of any size.",
        epilog="commands:\n"
        + "".join(f"  {name:<12}{summary}\n" for name, summary in summaries.items())
        + f"\n{PROGRAM} COMMAND --help explains a command's flags.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.parse_args(sys.argv[1:2])
    return 0
