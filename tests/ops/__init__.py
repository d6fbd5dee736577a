"""A site that has the product below a prefix."""
