"""Forms for people: starting a run, answering a request, and a profile."""
