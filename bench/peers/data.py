"""The directory that every peer gets, read from a filled database, and the questions that every peer is asked."""

import random

# Of each kind.
QUESTIONS = 2_000


class Directory:
    """Users and groups by their ids, `members` and `children` of each group, and the questions by kind: pairs of a group and a user that hold."""

    def __init__(self, engine):
        rows = engine.rows
        self.users = [key for (key,) in rows("SELECT id FROM users WHERE username_key <> 'admin' ORDER BY id")]
        self.groups = [key for (key,) in rows("SELECT id FROM groups WHERE kind <> 'sys' ORDER BY id")]
        known, everybody = set(self.groups), set(self.users)
        self.members, self.children = ({group: [] for group in self.groups} for _ in range(2))
        for group, user in rows("SELECT group_id, user_id FROM group_users ORDER BY group_id, user_id"):
            if group in known and user in everybody:
                self.members[group].append(user)
        for parent, child in rows("SELECT parent_id, child_id FROM group_children"):
            if parent in known and child in known:
                self.children[parent].append(child)
        seed = random.Random(7)
        pairs = [(group, user) for group, users in self.members.items() for user in users]
        chain = {name: key for key, name in rows("SELECT id, name FROM groups WHERE name_key LIKE 'chain %'")}
        last = self.members[chain["Chain 200"]]
        self.questions = {"direct": [seed.choice(pairs) for _ in range(QUESTIONS)],
                          "8 deep": [(chain["Chain 192"], seed.choice(last)) for _ in range(QUESTIONS)]}

    def groups_above(self):
        """By user and by group: the groups that they are in, directly or by groups below."""
        parents = {group: set() for group in self.groups}
        for parent, children in self.children.items():
            for child in children:
                parents[child].add(parent)
        above = {}

        def of(group):
            if group not in above:
                above[group] = set(parents[group]).union(*(of(parent) for parent in parents[group]))
            return above[group]

        for group in self.groups:
            of(group)
        for group, users in self.members.items():
            for user in users:
                above.setdefault(user, set()).update(above[group] | {group})
        return above

    @property
    def memberships(self):
        return sum(map(len, self.members.values()))
