"""The documents on deployment, and the commands that they show."""

import pathlib
import re
import shlex

from tests.test_readme import CODE_BLOCK

ROOT = pathlib.Path(__file__).parents[2]
PATHS = [ROOT / "docs/scale.md", *sorted(ROOT.glob("deploy/*/README.md"))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in PATHS}
# What calls one of our commands: the program, or the container whose entry point it is.
CALLERS = ("review-scorer", ".venv/bin/review-scorer", "launch")
MODULES = {"score": "beam_pipelines.score", "preprocess": "beam_pipelines.preprocess", "train": "trainer.task"}


def blocks(text: str) -> str:
    """The blocks of code of a document, with the lines joined that a backslash goes on with."""
    found = (match["fenced"] or match["indented"] for match in CODE_BLOCK.finditer(text))
    return re.sub(r" *\\\n *", " ", "\n".join(found))


def shell_lines(text: str) -> list[list[str]]:
    """The words of each line of the blocks."""
    return [words for line in blocks(text).splitlines() if (words := shlex.split(line, comments=True))]


def our_command(words: list[str]) -> tuple[str, ...] | None:
    """The module and the arguments of a line that calls one of our commands; None of another one."""
    for index, word in enumerate(words[:-1]):
        called = next((other for other in words[index + 1 :] if not other.isupper()), "")
        if word in CALLERS and called in MODULES:
            return MODULES[called], *words[words.index(called, index) + 1 :]
    return None


OUR_COMMANDS = sorted(
    {(name, command) for name, text in TEXTS.items() for words in shell_lines(text) if (command := our_command(words))}
)
