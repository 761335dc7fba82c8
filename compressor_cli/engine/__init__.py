"""What happens to a job, from source to saved result; knows no terminal and no argv."""
