"""Files, local or on an object store: found by globs, read, and written whole or not at all."""
