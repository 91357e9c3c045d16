"""Reports of the matrix: for people, on a terminal and in Markdown, and for programs."""
