"""A sandbox for code of a model: no network, a folder of its own, limits, a clean environment."""

from workflows.support.sandbox.backends import SandboxUnavailableError, find_backend
from workflows.support.sandbox.executor import SandboxExecutor, SandboxResult, TracedExecutor
from workflows.support.sandbox.limits import Limits
from workflows.support.sandbox.sandbox import Execution, Sandbox, SandboxError

__all__ = [
    "Execution",
    "Limits",
    "Sandbox",
    "SandboxError",
    "SandboxExecutor",
    "SandboxResult",
    "SandboxUnavailableError",
    "TracedExecutor",
    "find_backend",
]
