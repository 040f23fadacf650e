"""PostgreSQL: users, follows, blocks, tokens, the outbox and the deployment. The only code that sends SQL."""
