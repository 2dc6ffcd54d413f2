"""What a person sets once and for all, in files and variables, instead of with flags."""
