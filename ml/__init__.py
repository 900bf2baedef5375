"""Models as pure functions: frame in, frame out; seed and dates are passed in.

Belongs here: features and their scaling, segments, anomalies. Does not belong here:
Dagster, DuckDB, files, the clock, or anything that remembers between calls.
Importing this package imports nothing heavy; scikit-learn loads where it is used.
"""
