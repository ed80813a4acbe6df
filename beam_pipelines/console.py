"""The program `review-scorer`: `review-scorer score ...` is `python -m beam_pipelines.score ...`.

`python -m` looks for a module in the working folder first, where another program may have a package `trainer`; an
installed program does not look there.
"""

import argparse
import functools
import sys
from typing import NoReturn

from beam_pipelines import preprocess, score, verify
from beam_pipelines.commands import entry, flags
from serving import ask, check, configure, local, publish
from trainer import task

PROGRAM = "review-scorer"
COMMANDS = {
    "preprocess": preprocess,
    "train": task,
    "score": score,
    "verify": verify,
    "check": check,
    "publish": publish,
    "configure": configure,
    "local": local,
    "ask": ask,
}


def main() -> NoReturn:
    """Runs the command that the process was called with."""
    name, *arguments = sys.argv[1:] or [""]
    command = COMMANDS.get(name)
    if command is None:
        entry.run_command(help_or_refuse)
    run = functools.partial(command.main, arguments, f"{PROGRAM} {name}")
    entry.run_command(run, after_interruption=command.AFTER_INTERRUPTION)


def help_or_refuse() -> int:
    """Answers `--help`, or refuses what is no command; the parser exits in both cases."""
    summaries = {name: (command.__doc__ or "").partition("\n")[0] for name, command in COMMANDS.items()}
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
