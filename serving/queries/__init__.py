"""Questions asked of the published snapshot: all SQL of what people look at.

Belongs here: one module per subject, whose functions take a :class:`serving.snapshot.Reading`
and :class:`serving.filters.Filters` and give frames or small dataclasses; the dashboard, the HTTP
interface and the report ask the same ones. Does not belong here: business rules (they are in
dbt; this only selects and adds up), and how an answer looks.
"""
