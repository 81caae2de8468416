"""Host-side tools: the bench of virtual hardware, deployment, reports."""
