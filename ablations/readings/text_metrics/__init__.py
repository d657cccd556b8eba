"""Scores of written answers, one a file."""
