"""Where a bearer token comes from: never from a flag, whose value others on the machine can read."""

import os
import pathlib

VARIABLE = "REVIEW_SCORER_TOKEN"


def read(file: str | None) -> str | None:
    """Returns the token of a file, or else of the environment; None where there is neither.

    Raises:
      ValueError: The file cannot be read, or its token cannot stand in a header.
    """
    if not file:
        return os.environ.get(VARIABLE) or None
    try:
        token = pathlib.Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file of the token, {file}, cannot be read: {error}") from error
    if not token or not token.isprintable():
        raise ValueError(f"the file of the token, {file}, holds none in a single line")
    return token
