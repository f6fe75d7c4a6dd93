"""Small decision processes whose credit is known, and how near estimators come."""
