"""Segments: how large they are, how they differ, how customers move between them, how they were made.

One module per subject.

Belongs here: what the page about segments, the report and the interface ask of them. Does not belong
here: one customer (:mod:`serving.queries.customers`) and what to do with a segment
(:mod:`serving.queries.playbooks`).

Money called ``monetary`` is what customers are scored by (setting ``rfm.monetary``), ``monetary_net`` is
net of returns, below zero for who gave more back than was bought; both in the shop's currency and over
the customer's whole history. A date range chooses customers, it does not cut their figures. Model values
are summed as decimals, so that no sum depends on the order in which threads finish.
"""
