"""Measured claims: each prints a table for a folder of pictures given as an argument."""
