"""Reports on models side by side."""
