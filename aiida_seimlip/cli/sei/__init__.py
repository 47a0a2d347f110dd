"""``aiida-seimlip sei``."""
