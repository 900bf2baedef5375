import numpy as np
import pandas as pd
import pytest

from ml.features import build_feature_matrix, find_iqr_outliers, fit_scaler, signed_expm1, signed_log1p


def rfm(**changes):
    columns = {
        "customer_id": ["b", "a", "c"],
        "recency_days": [2, 1, 3],
        "frequency": [20, 10, 30],
        "monetary": [200.0, 100.0, 300.0],
    }
    return pd.DataFrame({**columns, **changes})


def test_features_come_sorted_by_customer_whatever_the_row_order():
    matrix = build_feature_matrix(rfm())
    assert matrix.customer_ids.tolist() == ["a", "b", "c"]
    assert matrix.unscaled.tolist() == [[1, 10, 100], [2, 20, 200], [3, 30, 300]]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (rfm().iloc[:0], "empty"),
        (rfm(customer_id=["a", "a", "c"]), "more than once, first a"),
        (rfm(recency_days=[2.0, None, 3.0]), "1 customers have no finite value .* first a"),
        (rfm(monetary=[1.0, 2.0, float("inf")]), "first c"),
        (rfm().drop(columns="frequency"), "lacks frequency"),
    ],
)
def test_input_that_no_model_can_be_built_on_is_refused_by_name(frame, told):
    with pytest.raises(ValueError, match=told):
        build_feature_matrix(frame)


def test_money_below_zero_keeps_its_sign_and_comes_back():
    money = np.array([-77183.6, -1.0, 0.0, 1.0, 2.9])
    # ln(1 + 1) = 0.6931
    assert signed_log1p(np.array([-1.0, 0.0, 1.0])) == pytest.approx([-0.693147, 0.0, 0.693147], abs=1e-6)
    assert signed_expm1(signed_log1p(money)) == pytest.approx(money)


def test_each_scaler_scales_as_it_says_and_back():
    values = np.array([[0.0], [2.0], [4.0]])
    # mean 2, population standard deviation sqrt(8 / 3) = 1.632993
    assert fit_scaler(values, "standard", ["x"]).transform(values).ravel() == pytest.approx([-1.224745, 0, 1.224745])
    assert fit_scaler(values, "minmax", ["x"]).transform(values).ravel() == pytest.approx([0, 0.5, 1])
    # e - 1 has log1p 1, e^2 - 1 has 2: the same spacing as 0, 1, 2
    logged = np.expm1(np.array([[0.0], [1.0], [2.0]]))
    scaler = fit_scaler(logged, "log_standard", ["x"])
    assert scaler.transform(logged).ravel() == pytest.approx([-1.224745, 0, 1.224745])
    assert scaler.inverse(scaler.transform(logged)) == pytest.approx(logged)


@pytest.mark.parametrize("method", ["log_standard", "standard", "minmax"])
def test_a_feature_that_never_varies_scales_to_zero(method):
    # 0.1 can't be represented, so the mean of many is off by rounding
    values = np.full((1000, 1), 0.1)
    assert np.abs(fit_scaler(values, method, ["x"]).transform(values)).max() < 1e-9


def test_a_scaler_is_not_refitted_when_it_scales_others():
    scaler = fit_scaler(np.array([[0.0], [10.0]]), "minmax", ["x"])
    assert scaler.transform(np.array([[20.0], [40.0]])).ravel().tolist() == [2.0, 4.0]


def test_unknown_scaler_and_no_rows_are_refused():
    with pytest.raises(ValueError, match="robust"):
        fit_scaler(np.ones((2, 1)), "robust", ["x"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no rows"):
        fit_scaler(np.ones((0, 1)), "standard", ["x"])


def test_outliers_are_those_beyond_tukeys_fences():
    # quartiles of 0..8 are 2 and 6, so the fences stand at -4 and 12
    values = np.array([[0.0], [1], [2], [3], [4], [5], [6], [7], [8]])
    assert not find_iqr_outliers(values, "standard").any()
    # one value at 13: quartiles of 0..7 and 13 are still 2 and 6
    values[8] = 13
    assert find_iqr_outliers(values, "standard").tolist() == [False] * 8 + [True]


def test_a_feature_that_most_share_makes_nobody_an_outlier():
    frequency = np.array([[1.0]] * 9 + [[50.0]])
    assert not find_iqr_outliers(frequency, "standard").any()


def test_another_home_has_other_pseudonyms_and_the_same_order_of_customers() -> None:
    def table(pseudonyms: list[str]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "customer_id": ["17850", *pseudonyms, "13047"],
                "recency_days": [9, 5, 1, 5, 2],
                "frequency": [1, 2, 3, 1, 4],
                "monetary": [10.0, 20.0, 30.0, 20.0, 40.0],
            }
        )

    here = build_feature_matrix(table(["p-00000000000000aa", "p-00000000000000bb", "p-00000000000000cc"]))
    there = build_feature_matrix(table(["p-00000000000000cc", "p-00000000000000aa", "p-00000000000000bb"]))
    assert here.unscaled.tolist() == there.unscaled.tolist()
    assert list(here.customer_ids[:2]) == list(there.customer_ids[:2]) == ["13047", "17850"]
    # by recency, then by frequency
    assert here.unscaled[2:].tolist() == [[1, 3, 30], [5, 1, 20], [5, 2, 20]]
    assert list(here.customer_ids[2:]) == ["p-00000000000000bb", "p-00000000000000cc", "p-00000000000000aa"]
