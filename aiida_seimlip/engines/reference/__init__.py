"""Reference engines: frames in, labelled frames out."""
