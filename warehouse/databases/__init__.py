"""Sales that are pulled from a live database: each pull is a delivery.

Belongs here: connecting, asking for what is new, and putting it into landing as a file,
whole or not at all. Does not belong here: reading that file (:mod:`warehouse.readers`),
which version of an order counts, and when to pull (``orchestration``).
"""
