"""Fits, selects and tunes models on rows it is handed. Knows no report and no policy beyond the config."""
