"""Files of pretrained word vectors: found, unpacked, told from what is none, and read for the words that are wanted."""
