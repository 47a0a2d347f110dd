"""The four sockets: reference, training, exploration and selection."""
