"""cohort: who takes part, and the simulated cohort."""
