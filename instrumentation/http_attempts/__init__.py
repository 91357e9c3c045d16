"""Record the failed HTTP requests of a completion that the client retries, as ATTEMPT spans."""

from instrumentation.http_attempts.http_client import traced_http_client, tracing_interceptor

__all__ = ["traced_http_client", "tracing_interceptor"]
