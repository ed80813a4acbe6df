"""What every command needs: its flags, its entry point, its output folder and its progress."""
