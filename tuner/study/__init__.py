"""The values of a study: what is asked and what was learnt."""
