"""The preprocess job: from rated rows to training examples, the vocabulary and its vectors."""
