"""The header of all pages: sections and their pages, the plan in view, jobs, theme, language."""
