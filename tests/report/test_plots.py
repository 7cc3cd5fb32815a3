"""Pictures of the page: what is written in one lies over none of its curves."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from credit_risk.report import plots


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
