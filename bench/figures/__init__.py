"""The figures of bench/RESULTS.md: each row of the service beside its limit, measured in turns."""
