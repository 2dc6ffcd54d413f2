"""Pure functions over numbers: they know no trial, no file and no clock."""
