"""What all views share of HTTP: bodies, parameters, paging, ETags, idempotency, responses and problems."""
