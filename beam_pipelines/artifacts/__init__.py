"""What one command hands to another, typed: the scale, the prepared folder, the export."""
