"""Tools that patches share: open spans, method wrapping, response bodies, agent turns."""
