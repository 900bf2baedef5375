"""How one delivered file becomes raw lines: what it is, where its columns are, how its dates read.

Belongs here: recognising formats, encodings, dialects, headers, date and number
styles, and bringing lines into temporary tables of one shape. Does not belong
here: which deliveries count (:mod:`warehouse.ledger`), writing to ``raw``
(:mod:`warehouse.loading`), and any business rule.
"""
