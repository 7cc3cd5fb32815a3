"""A scorecard for other systems: points table, SQL, PMML, each refused unless it decides as the card does."""
