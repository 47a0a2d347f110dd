"""Training engines: labelled frames in, a potential out."""
