"""Great Expectations suites, one module a layer, and the one runner.

Belongs here: what must hold of each layer's tables before the next step may use
them, how that is evaluated inside DuckDB, and how results are kept and shown. Does
not belong here: row rules (they are dbt models), array maths (tests of `ml`), and
Dagster (see `orchestration`).

Importing this package, its suites or the runner does not import Great Expectations:
that takes 2.5 to 3 seconds of processor time, so it happens when checks run.
"""
