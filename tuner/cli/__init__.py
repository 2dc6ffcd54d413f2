"""The command line: one file per verb, each a pair of arguments and function, without logic."""
