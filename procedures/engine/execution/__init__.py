"""Running steps: attempts, process settings, approvals, and steps whose outcome is unknown."""
