"""Encoders that are trained here: one loop and what it needs."""
