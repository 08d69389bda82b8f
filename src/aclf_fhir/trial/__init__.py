"""Protocol and record to verdict and outcomes."""
