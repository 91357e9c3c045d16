"""Programs of the `ag2` cases: one function per case, with its name."""

from integrations.programs.ag2.single_agent import answer as answer
