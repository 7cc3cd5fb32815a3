"""A year of a lender played back: the real parts on applicants whose truth is known. Decides about nobody."""
