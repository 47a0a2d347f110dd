"""Programs that stand for others in tests, because the real ones cannot be had."""
