"""What comes in and what goes out: files and archives."""
