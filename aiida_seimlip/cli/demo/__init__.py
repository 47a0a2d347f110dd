"""``aiida-seimlip demo``."""
