"""Files of an archive: found by globs, told apart by their first bytes, unpacked where they lie."""
