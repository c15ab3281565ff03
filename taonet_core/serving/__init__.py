"""What stands between a server and strangers: hosts, quotas, pace, headers, private folders."""
