"""Decides whole files in bounded memory; a killed run goes on where it stopped. Knows no ledger and no HTTP."""
