"""Pictures of the page: what is written in one lies over none of its curves."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from credit_risk.report import plots, plots_explain


@pytest.mark.parametrize("cut_off", [0.05, 0.3, 0.9])
def test_the_label_of_the_cut_off_stands_above_the_curve_wherever_it_is(cut_off):
    steps = np.linspace(0, 1, 11)
    table = pd.DataFrame({"cut_off": steps, "profit": 0.08 - 0.1 * abs(steps - 0.5), "approval_rate": steps})
    with mpl.style.context(plots.STYLE, after_reset=True):
        figure = Figure(figsize=plots.NORMAL, layout="constrained")
        plots.profit(figure, table, cut_off)
        FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [f"Closed form: {cut_off:.1%}"]
    assert legend.get_window_extent().y0 >= figure.axes[0].get_window_extent().y1
    assert not figure.axes[0].texts


@pytest.mark.parametrize("families", [1, 4, 17, 40])
def test_labels_of_reason_families_stand_apart_however_many_there_are(families):
    ids = [f"R{number:02}" for number in range(1, families + 1)]
    shares = dict.fromkeys(("cited", "cited_low", "cited_high", "top", "top_low", "top_high"), 0.1)
    text = "Installment commitment, compared with all applications"
    table = pd.DataFrame({"id": ids, "text": text, **shares})
    with mpl.style.context(plots.STYLE, after_reset=True):
        figure = Figure(figsize=plots_explain.WIDE, layout="constrained")
        plots_explain.families(figure, table)
        FigureCanvasAgg(figure).draw()
    boxes = sorted((label.get_window_extent() for label in figure.axes[0].get_yticklabels()), key=lambda box: box.y0)
    assert len(boxes) == families
    assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(boxes))
