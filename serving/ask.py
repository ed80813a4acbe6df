"""Asks a server of the model for the scores of some texts.

python -m serving.ask --server 127.0.0.1:8501 --text 'What a film!' --explain
"""

import dataclasses
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from serving.client import ReviewScorer, Score, ServingError, TextRefused, Unavailable, printing, tokens

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
        "the label of the version that shall answer, such as stable", default=None, metavar="LABEL"
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
            raise UserError(f"{error}; is the server running, and --server right?", status=1) from error
        except ServingError as error:
            raise UserError(str(error), status=1) from error


def as_json(answer: Score) -> str:
    """Returns the line of an answer; a name whose value the server does not tell is null."""
    return json.dumps(dataclasses.asdict(answer), ensure_ascii=False)


def main(argv: list[str] | None = None, program: str = "python -m serving.ask") -> int:
    settings, others = flags.parse(AskSettings, program, argv)
    flags.refuse_unknown(others, AskSettings, program)
    asked, shown = itertools.tee(texts(settings))
    for answer, text in zip(answers(settings, asked), shown, strict=True):
        print(as_json(answer) if settings.json else printing.printed(text, answer), flush=sys.stdout.isatty())
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
