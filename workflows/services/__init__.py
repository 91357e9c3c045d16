"""Services: what a workflow asks over HTTP, each of them a process of its own."""
