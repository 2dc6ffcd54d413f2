"""Ask, measure, tell: the only folder that imports optuna."""
