"""The steps of a job; see docs/decisions/0003-steps-of-a-job.md."""
