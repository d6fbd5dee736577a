"""Results of the API as dataclasses. Ids are strings, and times have a UTC offset."""
