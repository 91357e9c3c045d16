"""One exchange with the replay server: parse the request, apply a fault, and build the answer."""
