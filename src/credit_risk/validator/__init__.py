"""The tables that a validator asks for first, of a candidate's test: an optional part, behind `credit-risk validator`.

Grades with their tests, characteristics, the scorecard's points, the book that would be approved, periods.
"""
