"""The report of an enrolment: report.html, which needs nothing else, and report.json."""
