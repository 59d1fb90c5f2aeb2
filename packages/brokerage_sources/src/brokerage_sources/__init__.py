"""Sample source files of a retail brokerage: a generator, and a verifier that shares no code with it.

python -m brokerage_sources.generate --scale-factor 0.1 --output data/sources
python -m brokerage_sources.verify data/sources
"""
