"""What every step costs, beside its literal version and beside what the machine can do: `make bench`."""
