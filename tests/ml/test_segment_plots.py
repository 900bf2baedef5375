"""The drawn evidence."""

import struct

import pytest

from ml.cluster_selection import Choices
from ml.segment_plots import draw_cluster_selection
from ml.segments import segment_customers


def test_the_evidence_is_a_small_picture_and_the_same_each_time(made_up_segments):
    selection = made_up_segments.cluster_selection
    drawn = draw_cluster_selection(selection)
    assert drawn.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", drawn[16:24]) == (960, 480)
    # it travels inside the metadata of every run
    assert len(drawn) < 60_000
    assert draw_cluster_selection(selection) == drawn


def test_another_choice_is_another_picture(made_up_customers, made_up_segments):
    auto = made_up_segments.cluster_selection
    fixed = segment_customers(made_up_customers(), Choices(k=3)).cluster_selection
    assert draw_cluster_selection(auto) != draw_cluster_selection(fixed)


def test_nothing_to_draw_is_an_error(made_up_segments):
    selection = made_up_segments.cluster_selection
    with pytest.raises(ValueError, match="no evidence"):
        draw_cluster_selection(selection.iloc[:0])
