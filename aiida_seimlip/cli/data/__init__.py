"""The commands that show and share what is stored."""
