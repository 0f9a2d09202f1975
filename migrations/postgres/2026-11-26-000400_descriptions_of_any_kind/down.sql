CREATE INDEX groups_by_description ON groups (description_key NULLS FIRST, id);
