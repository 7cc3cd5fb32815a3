"""Figures with their intervals, and the verdicts that gates draw from them. Pure: no files, no screen."""
