"""Dynamics engines: a structure and a potential in, the paths of the mobile ions out."""
