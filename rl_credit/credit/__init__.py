"""Which step earned the reward: advantage estimators and their kernels."""
