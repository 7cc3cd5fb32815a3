"""What people read of a run: page, pictures, screen, review. Computes nothing that an artefact does not hold."""
