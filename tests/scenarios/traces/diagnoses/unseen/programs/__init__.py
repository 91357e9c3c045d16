"""Six small programs: three crews, two teams, and one agent in a loop."""
