"""Where a bearer token comes from: never from a flag, whose value others on the machine can read."""

import os
import pathlib

VARIABLE = "REVIEW_SCORER_TOKEN"


def read(file: str | None) -> str | None:
    """Returns the token of a file, or else of the environment; None where there is neither.

    Raises:
      ValueError: The file cannot be read, or the token cannot stand in a header.
    """
    if file:
        source = f"the file of the token, {file},"
        try:
            token = pathlib.Path(file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{source} cannot be read: {error}") from error
    else:
        source = f"the environment variable {VARIABLE}"
        # What mounts secrets often ends them with a newline.
        token = os.environ.get(VARIABLE, "").strip()
        if not token:
            return None
    if not token or not token.isascii() or not token.isprintable():
        raise ValueError(f"{source} holds no token of ASCII characters in a single line")
    return token
