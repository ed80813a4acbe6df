"""From rows to training examples: scores, splits, tokens, the vocabulary and its vectors."""
