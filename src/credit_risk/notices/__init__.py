"""The answer to a declined applicant: the notice with reasons, the score's factors, what would have changed it."""
