"""The charts of the pages about segments and clusters, one module per page.

Belongs here: from a frame of :mod:`serving.queries.segments` to a chart with its description. Does not
belong here: asking for the frame, and what stands around the chart (:mod:`serving.dashboard.pages`).
"""
