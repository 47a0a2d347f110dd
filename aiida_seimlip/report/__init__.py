"""The HTML report of a campaign."""
