"""Options of workflows on surfaces, interfaces and fields, and what they find."""
