"""Results of the API as dataclasses. Ids are texts, and times have their UTC offset."""
