"""Make one installable package, `flight_recorder`, of the repository's folders."""
