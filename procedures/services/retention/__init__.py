"""The removal of old records, and what prevents it: families of runs, legal holds, rounds."""
