"""What tests of documents share: figures of a made-up run, and the declaration of one document about it."""

METRICS = {"test": {"auc": 0.75, "auc_low": 0.7, "auc_high": 0.8}, "rows": 6000}


def declared(figure: str) -> str:
    """A document of three figures, the third as given, and of a text that a person owes."""
    return f"""\
version: 1
documents:
  card:
    title: Card
    source: house
    sections:
      - heading: Figures
        figures:
          - {{label: AUC, artefact: reports/metrics.json, key: test.auc, interval: true}}
          - {{label: Rows, artefact: reports/metrics.json, key: rows, kind: count}}
          - {figure}
      - heading: Use
        person: use
        ask: For what?
"""
