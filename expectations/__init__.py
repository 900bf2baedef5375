"""The catalogue of checks, and the one runner.

Belongs here: what must hold of each layer's tables before the next step may use
them, how that is evaluated inside DuckDB, and how results are kept and shown. Does
not belong here: keys, ranges and rules of single rows (they are dbt's, see
``docs/developing.md``), array maths (tests of `ml`), and Dagster (see `orchestration`).

Importing this package, its catalogue or the runner does not import Great Expectations:
that takes 2.5 to 3 seconds of processor time, so it happens when checks run.
"""
