"""The command line: a file for each verb, with its arguments and what it does, and what several verbs share."""
