"""Unexpected code execution: code that a model wrote writes files outside its own folder."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.span_values import as_list
from instrumentation.diagnosis.reading.trace_reading import TraceReading

MODE = "unexpected code execution"
FIX = "Run the code in a sandbox that has a folder of its own, and no other files."
FILES_WRITTEN_ATTRIBUTE = "flight_recorder.code.files_written"
BACKEND_ATTRIBUTE = "flight_recorder.sandbox.backend"


def find_code_writing_outside_folder(reading: TraceReading) -> Iterator[Finding]:
    """Yield executions of code that wrote files outside of the working folder."""
    for call in reading.index.tool_calls:
        written = [str(path) for path in as_list(call.attributes.get(FILES_WRITTEN_ATTRIBUTE))]
        outside = [path for path in written if path.startswith(("..", "/"))]
        if not outside:
            continue
        backend = str(call.attributes.get(BACKEND_ATTRIBUTE) or "none")
        yield reading.build_finding(
            MODE,
            call,
            FIX,
            0.95,
            quote(call, ", ".join(outside), "it wrote outside of its working folder"),
            quote(call, call.inputs, "the code, as the model wrote it"),
            quote(call, backend, "the sandbox that it ran in"),
        )
