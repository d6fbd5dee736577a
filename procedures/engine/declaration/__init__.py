"""What authors declare: procedures, roles, limits, and steps with their signatures."""
