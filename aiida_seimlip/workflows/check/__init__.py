"""Contract tests of programs."""
