"""Lanes of programs that send no `x-agent-name`: how they are named, and recognised again."""
