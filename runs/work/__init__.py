"""Work of each kind of job, as a worker does it."""
