"""Surveys as streams: files of many sources, here or in a store elsewhere, read by range."""
