"""Gradient-boosted trees walked row by row: for few rows, faster than a table that is prepared anew on each call."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar
from weakref import finalize

import lightgbm as lgb
import numpy as np
from lightgbm.basic import _LIB  # type: ignore[attr-defined]

from credit_risk.config.tags import tag_of
from credit_risk.data.inputs import Matrix
from credit_risk.errors import ScorerError
from credit_risk.scoring.model import Boosted, RiskModel

FEW_ROWS = 4  # up to which walking row by row is faster


def row_by_row(model: RiskModel) -> RiskModel:
    """The same model for few rows: faster where its kind has a way of its own for a single row."""
    return TreesByRow(model) if isinstance(model, Boosted) else model


@dataclass(frozen=True)
class TreesByRow:
    """Gradient-boosted trees that LightGBM's C interface walks row by row, prepared once.

    The trees and the order in which they are added are those of `Boosted`, so the bits are too.
    """

    kind: ClassVar[str] = Boosted.kind
    file_name: ClassVar[str] = Boosted.file_name
    boosted: Boosted

    @cached_property
    def _margin(self) -> "_PreparedTrees":
        return _PreparedTrees(self.boosted.booster, RAW_SCORE, 1)

    @cached_property
    def _contributions(self) -> "_PreparedTrees":
        return _PreparedTrees(self.boosted.booster, CONTRIBUTIONS, self.boosted.booster.num_feature() + 1)

    def margin_of(self, row: Sequence[float]) -> float:
        return self._margin.predict(self._with_levels(row))[0]

    def _with_levels(self, row: Sequence[float]) -> Sequence[float]:
        """The row as `with_levels` has it for a matrix."""
        if not self.boosted.levels:
            return row
        return [*row, *(float(tag_of(row[feature]) == tag) for feature, tag in self.boosted.levels)]

    def margin(self, matrix: Matrix) -> Matrix:
        return np.array([self.margin_of(row) for row in matrix.tolist()], dtype=np.float64)

    def contributions(self, matrix: Matrix) -> Matrix:
        added = [list(self._contributions.predict(self._with_levels(row))) for row in matrix.tolist()]
        width = self.boosted.booster.num_feature() + 1
        return self.boosted.by_feature(np.array(added, dtype=np.float64).reshape(len(matrix), width))

    def text(self) -> str:
        return self.boosted.text()


FLOAT64 = 1  # C_API_DTYPE_FLOAT64 of LightGBM's c_api.h
RAW_SCORE, CONTRIBUTIONS = 1, 3  # C_API_PREDICT_RAW_SCORE, C_API_PREDICT_CONTRIB

# Unlike lightgbm's own handle on the library, this one keeps Python's lock during a call: it lasts a few microseconds,
# and the prepared state must not be used by two threads at once.
_LIBRARY = ctypes.PyDLL(_LIB._name)
_LIBRARY.LGBM_GetLastError.restype = ctypes.c_char_p


class _PreparedTrees:
    """A booster, which it keeps alive, prepared to predict one row at a time; `numbers` is the length of an answer."""

    def __init__(self, booster: lgb.Booster, prediction: int, numbers: int) -> None:
        self._arguments = booster, prediction, numbers
        self._features = booster.num_feature()
        self._row = ctypes.c_double * self._features
        self._answer = ctypes.c_double * numbers
        self._handle = ctypes.c_void_p()
        _succeeded(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(prediction),
                ctypes.c_int(0),
                ctypes.c_int(booster.best_iteration),
                ctypes.c_int(FLOAT64),
                ctypes.c_int32(self._features),
                b"num_threads=1",
                ctypes.byref(self._handle),
            )
        )
        finalize(self, _LIBRARY.LGBM_FastConfigFree, self._handle)

    def __reduce__(self) -> tuple[type["_PreparedTrees"], tuple[lgb.Booster, int, int]]:
        return _PreparedTrees, self._arguments  # another process prepares its own

    def predict(self, row: Sequence[float]) -> "ctypes.Array[ctypes.c_double]":
        if len(row) != self._features:
            raise ValueError(f"a row of {len(row)} features was given to a model of {self._features}.")
        answer, length = self._answer(), ctypes.c_int64()
        _succeeded(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFast(self._handle, self._row(*row), ctypes.byref(length), answer)
        )
        return answer


def _succeeded(code: int) -> None:
    if code:
        message = _LIBRARY.LGBM_GetLastError().decode(errors="replace")
        raise ScorerError(f"LightGBM refused to score a row: {message}.")
