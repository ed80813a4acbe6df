"""What unrated reviews teach of n-grams: which of them stand together.

A truncated singular value decomposition of the n-grams of all reviews, rated or not (latent semantic analysis:
Deerwester et al., 1990), by the randomised algorithm of Halko, Martinsson and Tropp (2011). An n-gram that few rated
reviews hold, or none, is then as good or as bad as those that it stands beside.
"""

import numpy as np
import scipy.sparse
from sklearn.utils.extmath import randomized_svd

FACTORS = 300
# So much counts what n-grams stand for, beside themselves.
FACTOR_WEIGHT = 0.5
_POWER_ITERATIONS = 3


def factorise(features: scipy.sparse.csr_matrix) -> np.ndarray:
    """Finds the right singular vectors, float32 [ngrams, factors], of features, float32 [reviews, ngrams]."""
    count = min(FACTORS, min(features.shape) - 1)
    _, _, directions = randomized_svd(features, count, n_iter=_POWER_ITERATIONS, random_state=0)
    return np.ascontiguousarray(directions.T, np.float32)
