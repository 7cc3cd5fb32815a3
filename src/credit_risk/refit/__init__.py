"""The candidate's recipe on all rows to date, after its test. Knows no service: it writes a release like any."""
