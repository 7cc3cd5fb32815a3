"""The page a risk manager reads (DVC stage `report`)."""

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.report.page import page


def run(config: Config, files: Files) -> None:
    """Read reports/*.json and reports/plots/*.csv, and write reports/index.html."""
    write_text(files.page, page(config, files))
