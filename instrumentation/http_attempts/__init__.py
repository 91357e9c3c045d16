"""Http attempts."""
