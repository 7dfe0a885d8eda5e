"""What can be seen of a gateway from outside: metrics, traces, logs. Read-only towards the rest."""
