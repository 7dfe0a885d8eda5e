"""The rules that ship: one hook each, named in YAML (`policies/loader.py`)."""
