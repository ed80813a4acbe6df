"""How text is cut into tokens: what the prepared folder and the export say of it, so that nobody needs to guess."""

import dataclasses

from beam_pipelines.artifacts.typed_json import TypedJson

# The values of `typography`. What the second means is fixed: other characters are another name.
AS_TYPED, PLAIN = "as_typed", "plain_1"


@dataclasses.dataclass(frozen=True)
class Tokenizer(TypedJson):
    """A rule of `beam_pipelines.text.tokens`.

    Attributes:
      typography: `PLAIN`: characters beyond ASCII count as what they stand for, as `text.characters` tells;
        `AS_TYPED`: all of them are letters.
      punctuation_tokens: Whether "!", "?" and pictographs are tokens of their own, or part tokens as others do.
    """

    typography: str
    punctuation_tokens: bool


# That of folders and exports which name none.
OLDER = Tokenizer(AS_TYPED, punctuation_tokens=False)
