"""Programs that find minimum energy paths."""
