"""Batch runs by business date, into files, S3 or PostgreSQL: each accounted for to the row, and none written twice."""
