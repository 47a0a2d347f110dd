"""Options of workflows that compare models."""
