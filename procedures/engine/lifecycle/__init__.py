"""Rules of a run's life that every store follows."""
