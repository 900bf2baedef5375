"""Dagster: assets, checks, jobs, schedules, sensors, resources; and the command line.

Belongs here: what runs when, after what, and what is shown of it. Does not belong
here: business rules (``dbt_project/``), expectations (``expectations/``), array
maths (``ml/``) or file handling (``warehouse/``); this package only calls them.
"""
