"""A seeded, believable sales history of a made-up shop, with a truth to compare results with.

Belongs here: inventing the history and writing it as delivered files. Does not belong
here: any rule that cleans or classifies lines; the truth is counted from what the
generator meant to write, so that it can witness for or against those rules.
"""

from warehouse.sample.truth import SampleTruth, read_truth, truth_path
from warehouse.sample.writing import write_sample_history

__all__ = ["SampleTruth", "read_truth", "truth_path", "write_sample_history"]
