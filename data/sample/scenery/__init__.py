"""Drawn people who do things: articulated bodies, objects and places, with exact annotations."""
