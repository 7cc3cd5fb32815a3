"""Decides whole files in bounded memory; a killed run goes on where it stopped."""
