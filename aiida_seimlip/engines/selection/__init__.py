"""Selection engines: candidates in, the most informative of them out."""
