"""A lender's files before there is a config: how they are written, and what their cells hold."""
