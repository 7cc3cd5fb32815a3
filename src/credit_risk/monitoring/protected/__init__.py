"""Attributes that applicants gave of themselves, sealed twice: for watching decisions, and for nothing else."""
