"""The rules of a run's life, such as claims, waits and cancels, for all stores."""
