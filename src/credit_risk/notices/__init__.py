"""What a declined applicant is told: the notice with reasons, the score's factors, what would have changed it."""
