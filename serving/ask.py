"""Asks a server of the model for the scores of some texts.

python -m serving.ask --server 127.0.0.1:8501 --text 'What a film!' --explain
"""

import collections
import contextlib
import dataclasses
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from beam_pipelines.archive.finding import formats
from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from serving.client import ReviewScorer, Score, ServingError, TextRefused, Unavailable, printing, tokens
from serving.client.retries import check_seconds

# The server runs, and has had enough.
_TOO_MANY_REQUESTS = "429"
_UNAUTHENTICATED = ("401", "UNAUTHENTICATED")
AFTER_INTERRUPTION = "the same command begins anew"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AskSettings:
    """Asks a server of the model for the scores of some texts.

    Examples:
      python -m serving.ask --server 127.0.0.1:8501 --text 'What a film!' --explain
      python -m serving.ask --server grpc://127.0.0.1:8500 --file reviews.txt --json > scores.jsonl
      zcat dump.txt.gz | python -m serving.ask --server https://scores.example --token_file token
    """

    server: str = flags.flag(
        "HOST:PORT or http(s)://HOST:PORT for REST, grpc(s)://HOST:PORT for gRPC; the s is TLS", metavar="ADDRESS"
    )
    text: tuple[str, ...] = flags.flag("a review; may be given several times", default=(), metavar="TEXT")
    file: str | None = flags.flag(
        "a file with a review in each line, - for standard input, which is read where neither --text nor --file is "
        "given; each line gets an answer",
        default=None,
        metavar="FILE",
        is_path=True,
    )
    one_review: bool = flags.flag("take the whole file, or standard input, as one review", default=False)
    explain: bool = flags.flag("also tell the phrases that moved each score most; slower", default=False)
    json: bool = flags.flag("print a line of JSON for each review, numbers in full", default=False)
    model_name: str = flags.flag("the model's name on the server", default="reviews", metavar="NAME")
    model_version: int | None = flags.flag("the only version that may answer", default=None, metavar="N")
    version_label: str | None = flags.flag(
        "the label of the version to ask for, such as stable", default=None, metavar="LABEL"
    )
    timeout_s: float = flags.flag("seconds that a request may take, retries included", default=30.0, metavar="S")
    token_file: str | None = flags.flag(
        "a file with the token that a proxy in front of the server asks for; or put it into the environment variable "
        f"{tokens.VARIABLE}",
        default=None,
        metavar="FILE",
        is_path=True,
    )
    ca_file: str | None = flags.flag(
        "PEM file of the authorities that sign the server's certificate, where the system does not know them",
        default=None,
        metavar="FILE",
        is_path=True,
    )

    def __post_init__(self):
        if self.text and (self.file or self.one_review):
            raise ValueError("--text and --file or --one_review exclude each other; give one of them")
        if self.model_version is not None and self.version_label is not None:
            raise ValueError("--model_version and --version_label exclude each other; give one of them")
        check_seconds("--timeout_s", self.timeout_s)
        if self.file and formats.tells_format(self.file):
            raise ValueError(
                f"--file {self.file} is an archive by its name, and not a file with a review in each line; "
                "beam_pipelines.score --server scores the column of its texts"
            )


def scorer(settings: AskSettings, **options) -> ReviewScorer:
    """Opens the client.

    Raises:
      UserError: A flag of the server is to be mended.
    """
    try:
        return ReviewScorer(
            settings.server,
            model_name=settings.model_name,
            version=settings.model_version,
            label=settings.version_label,
            timeout_s=settings.timeout_s,
            token=tokens.read(settings.token_file),
            ca_file=settings.ca_file,
            **options,
        )
    except (ValueError, OSError) as error:
        raise UserError(f"--server {settings.server}: {error}") from error


def texts(settings: AskSettings) -> Iterator[str]:
    """Yields what is asked for.

    Raises:
      UserError: A file cannot be read.
    """
    if settings.text:
        yield from settings.text
    elif settings.file in (None, "-"):
        if sys.stdin.isatty():
            print("a review in each line; Ctrl-D ends", file=sys.stderr)
        yield from _read(sys.stdin.buffer, settings.one_review, "standard input")
    else:
        try:
            with open(settings.file, "rb") as file:
                yield from _read(file, settings.one_review, settings.file)
        except OSError as error:
            raise UserError(f"--file {settings.file} cannot be read: {error.strerror}") from error


def _read(file: BinaryIO, one_review: bool, name: str) -> Iterator[str]:
    for place, line in enumerate([file.read()] if one_review else file, 1):
        try:
            yield line.decode("utf-8-sig" if place == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise UserError(f"line {place} of {name} is not UTF-8; convert it, as with iconv -t utf-8") from error


def answers(settings: AskSettings, asked: Iterable[str]) -> Iterator[Score]:
    """Yields the answer to each text.

    Raises:
      UserError: A text is refused, or the server fails; it has the server's words.
    """
    is_typed = not settings.text and settings.file in (None, "-") and sys.stdin.isatty()
    # Whoever types a line waits for its answer.
    with scorer(settings, **({"max_rows": 1} if is_typed else {})) as server:
        try:
            yield from server.explain_each(asked) if settings.explain else server.score_each(asked)
        except TextRefused as error:
            raise UserError(f"review {error.place + 1} {error.reason}") from error
        except Unavailable as error:
            hint = "" if error.code == _TOO_MANY_REQUESTS else "; is the server running, and --server right?"
            raise UserError(f"{error}{hint}", status=1) from error
        except ServingError as error:
            hint = "; a token is given by --token_file" if error.code in _UNAUTHENTICATED else ""
            raise UserError(f"{error}{hint}", status=1) from error


def as_json(answer: Score) -> str:
    """Returns the line of an answer; a name whose value the server does not tell is null."""
    return json.dumps(dataclasses.asdict(answer), ensure_ascii=False, allow_nan=False)


def told(answered: collections.Counter[int | None]) -> str:
    """Tells how many reviews each version has answered; an export of an earlier version does not tell its number.

    >>> told(collections.Counter({7: 1, 8: 2016}))
    'version 7 answered 1 review; version 8 answered 2,016 reviews'
    >>> told(collections.Counter({None: 2}))
    '2 reviews answered'
    """
    parts = []
    for version, count in answered.items():
        reviews = f"{count:,} review{'s' if count != 1 else ''}"
        parts.append(f"{reviews} answered" if version is None else f"version {version} answered {reviews}")
    return "; ".join(parts) or "no review"


@contextlib.contextmanager
def _told_where(answered: collections.Counter[int | None]) -> Iterator[None]:
    """Begins what is said of a failure with the number of answers before it."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{_after(answered)}{error}", status=error.status) from error
    except KeyboardInterrupt:
        # `entry.run_command` goes on with the line.
        print(_after(answered), end="", file=sys.stderr)
        raise


def _after(answered: collections.Counter[int | None]) -> str:
    count = answered.total()
    return f"after {count:,} answer{'s' if count != 1 else ''}: " if count else ""


def main(argv: list[str] | None = None, program: str = "python -m serving.ask") -> int:
    settings, others = flags.parse(AskSettings, program, argv)
    flags.refuse_unknown(others, AskSettings, program)
    asked, shown = itertools.tee(texts(settings))
    answered: collections.Counter[int | None] = collections.Counter()
    with _told_where(answered):
        for answer, text in zip(answers(settings, asked), shown, strict=True):
            print(as_json(answer) if settings.json else printing.printed(text, answer), flush=sys.stdout.isatty())
            answered[answer.model_version] += 1
    print(told(answered), file=sys.stderr)
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
