"""Crystals whose sites are occupied in part or by several elements, and ordered cells of them."""
