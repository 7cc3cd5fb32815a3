"""Applications as a lender keeps them: reading, the contract, columns to numbers, the split. Knows no model."""
