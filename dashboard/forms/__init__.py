"""Forms to start a run, to answer a request and to change one's profile."""
