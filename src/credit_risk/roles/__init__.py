"""Who may do what, by role and environment: an optional part. It says no; what is done lies with the other packages."""
