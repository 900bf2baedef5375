"""One page over all shops of a server: how each stands, and the way to its own pages.

Belongs here: which shops there are, and what their published folders tell of how fresh and how sound they are. Does
not belong here: any figure of a shop, which its own pages show to whom it lets in.
"""
