"""What happens to a job: sent, waited for, saved."""
