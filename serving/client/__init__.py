"""Asks a server of the model, TensorFlow Serving or `serving.local`, for the scores of texts.

    from serving.client import ReviewScorer

    with ReviewScorer("127.0.0.1:8501") as reviews:
        for answer in reviews.score(["What a film!", "I left halfway."]):
            print(answer.score, answer.score_low, answer.score_high)

It needs httpx for REST, and grpcio and protobuf for gRPC: neither TensorFlow nor NumPy. On the command line it is
`review-scorer ask`.
"""

from serving.client.answers import Explanation, Metadata, Phrase, Score, Tensor, VersionStatus
from serving.client.async_scorer import AsyncReviewScorer
from serving.client.errors import DeadlineExceeded, ServingError, TextRefused, Unavailable
from serving.client.scorer import ReviewScorer

__all__ = [
    "AsyncReviewScorer",
    "DeadlineExceeded",
    "Explanation",
    "Metadata",
    "Phrase",
    "ReviewScorer",
    "Score",
    "ServingError",
    "Tensor",
    "TextRefused",
    "Unavailable",
    "VersionStatus",
]
