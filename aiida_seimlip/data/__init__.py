"""The two data nodes that travel through every workflow."""
