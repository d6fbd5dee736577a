"""Running steps: attempts, the process, approvals, and doubt about outcomes."""
