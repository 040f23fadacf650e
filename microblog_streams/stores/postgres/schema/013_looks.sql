-- Names that look like somebody else's, and names of deleted people, are not given away.

-- What a name looks like (lookalikes.look), among all who have one. Filled for people from before by the command migrate,
-- in slices; NULL stays where two of them look alike, for the one who came later.
ALTER TABLE users ADD COLUMN look text;
CREATE UNIQUE INDEX users_look ON users (look);

-- A deleted user keeps the name for a while; registering frees it when that is over.
ALTER TABLE users DROP CONSTRAINT users_check;
ALTER TABLE users ADD CHECK (name_key IS NOT NULL OR deleted_at IS NOT NULL) NOT VALID;
