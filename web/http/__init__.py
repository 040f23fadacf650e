"""HTTP for all views: bodies, parameters, paging, idempotency, content negotiation, responses and problems."""
