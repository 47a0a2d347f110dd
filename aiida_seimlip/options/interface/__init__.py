"""Options of workflows on surfaces and interfaces, and what they find."""
