"""Campaigns as files: what goes into an archive, what stays out of it, and why."""
