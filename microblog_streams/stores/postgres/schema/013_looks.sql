-- A name that looks like another user's, or that a deleted user had, cannot be registered.

-- The look of a name (lookalikes.look): names with the same look cannot be told apart. The command migrate fills it for
-- existing users, in slices. Of two existing users with one look, the later one keeps NULL.
ALTER TABLE users ADD COLUMN look text;
CREATE UNIQUE INDEX users_look ON users (look);

-- A deleted user's name stays reserved for a while; a registration after that frees it.
ALTER TABLE users DROP CONSTRAINT users_check;
ALTER TABLE users ADD CHECK (name_key IS NOT NULL OR deleted_at IS NOT NULL) NOT VALID;
