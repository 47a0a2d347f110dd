"""``aiida-seimlip launch``."""
