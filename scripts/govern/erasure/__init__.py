"""Erases persons from everything that the warehouse keeps: `python -m scripts.govern erase`."""
