"""Forms with which people start a run, answer a request or change their profile."""
