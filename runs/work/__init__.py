"""Work of each kind of job, as done by a worker."""
