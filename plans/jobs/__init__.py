"""Long work in processes of its own: job queue, workers, and where ensembles and sweeps are computed."""
