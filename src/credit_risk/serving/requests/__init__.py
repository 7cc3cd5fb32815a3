"""Applications as requests bring them: JSON read strictly, field by field as the config allows, and valid examples."""
