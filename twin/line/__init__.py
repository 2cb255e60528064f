"""The line in the twin: discrete events on parallel units."""
