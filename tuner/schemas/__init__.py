"""The JSON Schemas that ship, for editors and for other programs; each is made of the classes that it describes."""

from pathlib import Path

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TUNER = Path(__file__).with_name("tuner.schema.json")
TARGET = Path(__file__).with_name("target.schema.json")
REPORT = Path(__file__).with_name("report.schema.json")
