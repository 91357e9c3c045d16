"""Model clients, one module per framework. Each agent has its own client, which sends its name."""
