"""The composition root of the origin: builds all its parts and connects them; wiring is done here and nowhere else."""
