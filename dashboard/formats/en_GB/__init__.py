"""British English, with the day of twenty-four hours."""
