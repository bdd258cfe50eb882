"""What customers do in the organization's products: events in, a daily rollup, usage health and last login."""
