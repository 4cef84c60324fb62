"""Who makes a call, and what jobs cost."""
