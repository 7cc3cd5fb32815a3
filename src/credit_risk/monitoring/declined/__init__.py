"""What can be known of the declined: a few approved at random within a budget, and what follows from how they paid."""
