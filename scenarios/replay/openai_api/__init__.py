"""The OpenAI API's response bodies and event streams: build them, and parse recorded ones."""
