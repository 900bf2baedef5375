"""Steps of the refresh in words.

Belongs here: what a person calls each step. Does not belong here: anything that needs Dagster, since
the summary of a refresh with nothing new is printed without it.
"""

STEP_LABELS = {
    "landing__databases": "pull databases",
    "load_landing_files": "load files",
    "validate_raw": "check raw",
    "dbt_staging": "type lines",
    "validate_staging": "check staging",
    "dbt_marts": "build marts",
    "validate_marts": "check marts",
    "recall_previous": "recall last segments",
    "fit_segments": "fit segments",
    "fit_customer_value": "fit customer value",
    "flag_anomalies": "flag anomalies",
    "collect_model_runs": "collect model runs",
    "validate_ml": "check models",
    "dbt_reporting": "build reporting",
    "validate_reporting": "check reporting",
    "redraft_emails": "redraft emails",
    "published__snapshot": "publish",
}


def step_label(step_key: str) -> str:
    """A step's name in words."""
    return STEP_LABELS.get(step_key, step_key.replace("__", " ").replace("_", " "))
