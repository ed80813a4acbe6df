"""What unrated reviews teach of n-grams: which of them stand together.

A truncated singular value decomposition of the n-grams of all reviews, rated or not (latent semantic analysis:
Deerwester et al., 1990), by the randomised algorithm of Halko, Martinsson and Tropp (2011). An n-gram that few rated
reviews hold, or none, is then as good or as bad as those that it stands beside.
"""

import numpy as np
import scipy.sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

FACTORS = 300
# The mean norm of what a review's n-grams stand for, where that of the n-grams themselves is 1.
NORM = 0.35
_POWER_ITERATIONS = 2


def factorise(features: scipy.sparse.csr_matrix) -> np.ndarray:
    """Finds the right singular vectors, scaled, float32 [ngrams, factors], of features, float32 [reviews, ngrams]."""
    count = min(FACTORS, min(features.shape) - 1)
    if count < 1:
        return np.zeros((features.shape[1], 0), np.float32)
    # Of reviews with hardly an n-gram of rated ones, the norm is that of all of theirs.
    evened = normalize(features)
    _, _, directions = randomized_svd(evened, count, n_iter=_POWER_ITERATIONS, random_state=0)
    directions = np.ascontiguousarray(directions.T, np.float32)
    norm = np.linalg.norm(evened @ directions, axis=1).mean()
    return directions * np.float32(NORM / max(norm, 1e-9))
