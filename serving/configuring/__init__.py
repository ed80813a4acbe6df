"""What `serving.configure` writes: the files that a server of an export is started with."""
