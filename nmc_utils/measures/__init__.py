"""Pure estimators: canonical tables in, measure tables out. No files, clock or hidden chance."""
