"""A fit in another process is the same fit."""

import time

import numpy as np
import pandas as pd
import pytest

from ml.beside import Beside
from ml.cluster_selection import Choices
from ml.segments import segment_customers


def test_segments_fitted_beside_are_those_fitted_here_to_the_last_bit() -> None:
    generator = np.random.default_rng(3)
    rfm = pd.DataFrame(
        {
            "customer_id": [f"c{number:03d}" for number in range(150)],
            "recency_days": generator.integers(1, 300, 150),
            "frequency": generator.integers(1, 30, 150),
            "monetary": generator.lognormal(5, 1, 150).round(2),
        }
    )
    arguments = {"rfm": rfm, "choices": Choices(k="auto", k_min=2, k_max=4), "data_version": "v"}
    beside = Beside("ml.segments", "segment_customers", arguments)
    here = segment_customers(**arguments)
    there = beside.result()
    for table in ("customer_segments", "cluster_selection", "segment_profiles", "segment_centroids", "model_runs"):
        pd.testing.assert_frame_equal(getattr(there, table), getattr(here, table), check_exact=True)


def test_what_the_call_raises_is_raised_where_its_result_is_asked_for() -> None:
    beside = Beside("ml.segments", "segment_customers", {"rfm": pd.DataFrame({"customer_id": []})})
    with pytest.raises(ValueError, match="customer") as raised:
        beside.result()
    assert "segment_customers" in raised.value.__notes__[0]


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"os\._exit died \(exit code 7\)"):
        Beside("os", "_exit", {"status": 7}).result()
    with pytest.raises(RuntimeError, match=r"os\.abort died \(SIGABRT\)"):
        Beside("os", "abort", {}).result()


def test_what_a_library_prints_does_not_get_between() -> None:
    assert Beside("builtins", "print", {"sep": "", "end": "noise"}).result() is None


def test_frames_larger_than_a_pipe_go_both_ways() -> None:
    frame = pd.DataFrame({"a": np.arange(400_000)})
    returned = Beside("pandas", "concat", {"objs": [frame, frame]}).result()
    assert len(returned) == 800_000


def test_stopping_waits_for_nothing() -> None:
    beside = Beside("subprocess", "run", {"args": ["sleep", "60"]})
    started = time.monotonic()
    beside.stop()
    assert time.monotonic() - started < 10
    assert beside._process.returncode != 0
