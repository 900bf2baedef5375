"""Where state is, how the DuckDB file is opened, how files get in and snapshots get out.

Belongs here: paths under ``REGULARS_HOME``, settings, the raw schema, the load
ledger, file readers, publishing. Does not belong here: business rules (they are
SQL in ``dbt_project/``), anything that imports Dagster, dbt or Great Expectations.
"""
