"""Scores of chosen answers, one a file."""
