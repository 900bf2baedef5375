"""What people open: dashboard, HTTP interface, report, exports. Reads only the published snapshot."""
