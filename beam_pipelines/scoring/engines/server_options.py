"""The server that scores in the place of this machine."""

import dataclasses

from beam_pipelines.errors import UserError
from serving.client import ReviewScorer, tokens

# A text of more bytes is a reject: with its escapes it has to fit into a request.
MAX_REQUEST_BYTES = 4_000_000
MAX_TEXT_BYTES = 3_900_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How a server is asked; workers elsewhere are sent it, so it holds no token.

    Attributes:
      address: HOST:PORT, or with a scheme: see `serving.client.ReviewScorer`.
      model_name: The model's name there.
      version: The only one that may answer.
      in_flight: How many requests a worker process may have under way.
      max_rows: The texts in a request.
      timeout_s: How long a request may take.
      wait_s: How long the job waits for a server that is lost.
      token_file: The file of the token; see `serving.client.tokens`.
      ca_file: See `ReviewScorer`.
    """

    address: str
    model_name: str
    version: int
    in_flight: int
    max_rows: int
    timeout_s: float
    wait_s: float
    token_file: str | None
    ca_file: str | None

    def open(self) -> ReviewScorer:
        """Opens a client.

        Raises:
          UserError: A flag of the server is to be mended.
        """
        try:
            return ReviewScorer(
                self.address,
                model_name=self.model_name,
                version=self.version,
                timeout_s=self.timeout_s,
                token=tokens.read(self.token_file),
                ca_file=self.ca_file,
                max_rows=self.max_rows,
                max_request_bytes=MAX_REQUEST_BYTES,
                max_text_bytes=MAX_TEXT_BYTES,
            )
        except (ValueError, OSError) as error:
            raise UserError(f"--server {self.address}: {error}") from error
