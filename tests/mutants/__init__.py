"""A mutation sample: how many small changes of the code the tests notice."""
