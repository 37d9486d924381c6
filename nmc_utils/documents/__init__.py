"""Papers for people: workbooks, letters, reports."""
