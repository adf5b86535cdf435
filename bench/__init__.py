"""What pgimport's documentation says about speed, measured by one command: ``make bench``."""
