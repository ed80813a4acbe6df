"""What people report, tried twice: as it is, and with the flags that are hinted at."""

import dataclasses
import pathlib
import re
from collections.abc import Callable

from beam_pipelines.errors import UserError
from tests.helpers.reviews import BAD, GOOD

STARS = [row % 5 + 1 for row in range(60)]
# Without commas, quotes and newlines, which the cases add.
TEXTS = [
    f"The record was {BAD[row % 6] if stars < 3 else GOOD[row % 6]} number{row}" for row, stars in enumerate(STARS)
]
# They may be named whatever the case: they allow a loss, say what to leave out, or which files to read.
ALWAYS = {"--max_rejected_share", "--score_column", "--input"}


@dataclasses.dataclass(frozen=True)
class Case:
    """What somebody has, and what should come of it.

    Attributes:
      content: Of the file; or a function that writes files to a folder and returns what is given as --input.
      name: Of the file.
      flags: Of the first try.
      told: What its output has to say, a regular expression.
      mended: Flags to add for the second try; None where only the file can be mended, () where the first try is right.
      read: How many rows there are, in the right try.
      rejected: Of these, by reason.
      skipped: Of these, those without a score (preprocess).
      untold: What the output may not hold.
    """

    content: bytes | Callable[[pathlib.Path], object]
    name: str = "reviews.csv"
    flags: tuple[str, ...] = ()
    told: str = ""
    mended: tuple[str, ...] | None = ()
    read: int = 60
    rejected: dict[str, int] = dataclasses.field(default_factory=dict)
    skipped: int = 0
    untold: str = "nothing at all"


def lines(row: str, *, header: str = "id,stars,body", texts: list[str] = TEXTS) -> bytes:
    """A header, and a line for each review."""
    rows = [row.format(id=f"R{number}", n=number, stars=STARS[number], text=text) for number, text in enumerate(texts)]
    return "".join(f"{line}\n" for line in [header, *rows]).encode()


def some(change, every: int = 4) -> list[str]:
    """The texts, some of them changed."""
    return [text if row % every else change(text) for row, text in enumerate(TEXTS)]


def outcome(command, arguments: list[str], capsys) -> tuple[int, str]:
    """Runs a command as from the shell: its status, and all that it says."""
    capsys.readouterr()
    try:
        status, error = command.main(arguments), ""
    except UserError as caught:
        status, error = caught.status, caught.args[0]
    return status, capsys.readouterr().out + error


def write(case: Case, folder: pathlib.Path) -> str:
    """Writes what somebody has; returns what they give as --input."""
    if not isinstance(case.content, bytes):
        return str(case.content(folder))
    (folder / case.name).write_bytes(case.content)
    return str(folder / case.name)


def check_told(case: Case, told: str) -> None:
    """Checks that the case's words are there, and no flag that does not help."""
    assert re.search(case.told, told), told
    assert not re.search(case.untold, told)
    flags = {flag.partition("=")[0] for flag in [*case.flags, *(case.mended or ())]}
    assert set(re.findall(r"--[a-z_]+", told)) <= flags | ALWAYS


def try_twice(command, case: Case, flags: list[str], tmp_path: pathlib.Path, capsys) -> pathlib.Path | None:
    """Runs the case as it is, and with the flags that mend it; returns the folder of the right try."""
    arguments = [f"--input={write(case, tmp_path)}", *flags, *case.flags]
    status, told = outcome(command, [*arguments, f"--output={tmp_path / 'first'}"], capsys)
    check_told(case, told)
    if case.mended is None:
        assert status in (2, 3)
        return None
    if not case.mended:
        assert status == 0
        return tmp_path / "first"
    hinted = re.search(r"--score_pattern '(.*?)'", told)
    mended = [re.sub(r"\{.*\}", lambda _: hinted[1], flag) if "_pattern" in flag else flag for flag in case.mended]
    kept = [flag for flag in arguments if not (hinted and flag.startswith("--score_column"))]
    status, told = outcome(command, [*kept, *mended, f"--output={tmp_path / 'second'}"], capsys)
    assert status == 0, told
    return tmp_path / "second"
