"""Front-ends for the programs of other systems: each turns files or objects into procedures."""
