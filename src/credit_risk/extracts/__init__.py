"""Spreadsheets and answers of databases frozen to Parquet, which all else reads. Knows no column's meaning."""
