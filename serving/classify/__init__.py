"""Uploaded files get the labels that the warehouse would give them.

Belongs here: taking a file in within limits, replaying the warehouse's own SQL on it, and
labelling with the fitted model, all from the published snapshot. Does not belong here: any
business rule (it is in the SQL that the snapshot carries), routes and pages.
"""

from serving.classify.errors import UploadRefusedError
from serving.classify.limits import UploadLimits
from serving.classify.results import Classification
from serving.classify.service import Classifier, classifier_of

__all__ = ["Classification", "Classifier", "UploadLimits", "UploadRefusedError", "classifier_of"]
