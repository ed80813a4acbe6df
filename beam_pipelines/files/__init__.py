"""Files that appear whole or not at all, local or on an object store."""
