"""What is looked at before an export is served, or takes another's place."""
