#!/usr/bin/env python3
"""Prints the SQL that fills a database, fresh from `guildhall serve`, with what is measured.

    bench/fill.py sqlite|postgres [USERS GROUPS]

A million users, a hundred thousand groups and five million memberships, or so many users and groups (no other factors than 2 and 5 in
USERS, 1,000 GROUPS or more), with everything that the program itself would keep of them. Whatever looks random is computed from the
number of the row, so that every run makes the same.
"""

import pathlib
import random
import re
import sys
import time

kind = sys.argv[1]
USERS, GROUPS = map(int, sys.argv[2:4] or (1_000_000, 100_000))
DAY = 86_400_000
NOW = int(time.time() * 1000)
SPAN = 5 * 365 * DAY
PRIME = 2**31 - 1
# The groups that are measured: how many of a million users they have, and the parent they are below.
LARGE = {"All Customers": (500_000, 3), "Newsletter": (100_000, 3), "Staff": (20_000, 2), "Editors": (2_000, 2), "Board": (200, 2)}
# Beside the trees: lists that nothing is below or above, and a chain, each group of which is below the one before.
LISTS = {f"Subscribers {number}": (740_000, None) for number in range(1, 4)}
CHAIN = {f"Chain {number}": (20_000 if number == 200 else 0, GROUPS + len(LISTS) + number if number else None) for number in range(201)}

is_sqlite = kind == "sqlite"
folder = pathlib.Path(__file__).parent.parent / "migrations" / kind
migrations = "".join(path.read_text() for path in sorted(folder.glob("*/up.sql")))

# Where the databases differ.
character = "char" if is_sqlite else "chr"
line = f"{character}(10)"
json = "" if is_sqlite else "::json"
table = "TEMP TABLE" if is_sqlite else "UNLOGGED TABLE"


def hexadecimal(number, digits):
    return f"printf('%0{digits}x', {number})" if is_sqlite else f"lpad(to_hex({number}), {digits}, '0')"


def uuid(moment, number):
    """As the program makes them: the moment, then what is random."""
    text = f"{hexadecimal(moment, 12)} || '7000' || '8000' || {hexadecimal(number, 12)}"
    return f"unhex({text})" if is_sqlite else f"({text})::uuid"


def series(name, count):
    if is_sqlite:
        return f"(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s) {name}"
    return f"(SELECT n::bigint AS n FROM generate_series(1, {count}) n) {name}"


def chance(salt, below, n="n"):
    """A number from 0 to `below` that depends on `n` and the salt."""
    factor = random.Random(salt).randrange(10**8, 10**9) | 1
    return f"(({n} * {factor} % {PRIME}) * (({n} + {salt}) % 99991 + 1) % {PRIME} % {below})"


def skewed(salt, below):
    """The same, and small ones are more frequent."""
    return f"({chance(salt, 100_000)} * {chance(salt, 100_000)} * {below} / 10000000000)"


def key(text):
    """What `TextKey::of` makes of a text of ASCII."""
    return f"replace(replace(replace(lower({text}), '/', '/' || {character}(2)), '@', '/@'), '_', '/_')"


def names(count, real, seed):
    """So many names, the real ones first."""
    random_ = random.Random(seed)
    syllables = "ba be bo ca co da de di fa fe ga gi ha he jo ka ke la le lo ma mi mo na ne no pa pe ra re ro sa se so ta te ti va we xa yo za".split()
    found = dict.fromkeys(real.split())
    while len(found) < count:
        middle = "".join(random_.choice(syllables) for _ in range(random_.randint(2, 3)))
        found[(middle + random_.choice(["", "n", "s", "rd", "l", "son", "sen", "man", "ez"])).capitalize()] = None
    return list(found)


def listed(name, texts):
    values = ", ".join("({}, '{}')".format(number, text.replace("'", "''")) for number, text in enumerate(texts))
    print(f"CREATE {table} {name} (i bigint NOT NULL PRIMARY KEY, t text NOT NULL); INSERT INTO {name} VALUES {values};")


def say(statement):
    print(statement.strip() + ";")


FIRST = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony Betty Mark Margaret Donald Sandra Steven Ashley Paul Emily Andrew Donna Joshua Michelle Kenneth Carol Jean-Luc Anne-Marie"
LAST = "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores O'Brien O'Neill Smith-Jones"
WORDS = "Sales Support Marketing Finance Legal Authors Reviewers Publishers Web Intranet Campus Library Faculty Research Alumni Press Events Careers Health Housing Planning Council Transport Sports Arts Science Engineering Medicine Law Students Partners Europe Asia North South East West London Leeds Ludlow"
DOMAINS = [f"{random.Random(n).choice(['mail', 'corp', 'acme', 'globex', 'initech', 'hooli', 'contoso'])}{n or ''}.{random.Random(n).choice(['com', 'com', 'com', 'org', 'de', 'co.uk'])}" for n in range(300)]

# What an index needs costs less for all rows at once.
indexes = {}
for text, created, dropped in re.findall(r"(CREATE (?:UNIQUE )?INDEX (\w+)[^;]*|DROP INDEX (\w+));", migrations):
    if created:
        indexes[created] = text
    else:
        del indexes[dropped]
if is_sqlite:
    print("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000000;")
else:
    print("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'; SET jit = off;")
print("BEGIN;")
for name in indexes:
    say(f"DROP INDEX {name}")

listed("bench_first", names(800, FIRST, 1))
listed("bench_last", names(6000, LAST, 2))
listed("bench_domains", DOMAINS)
listed("bench_words", WORDS.split())
listed("bench_zones", ["Europe/London", "Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])
listed("bench_languages", ["en-GB", "de-DE", "fr-FR", "ja-JP"])

# Several spellings of a name as a username, numbered where they meet.
say(f"""
CREATE {table} bench_people AS
SELECT n, created, first_name, last_name, domain,
    spelling || CASE WHEN row_number() OVER again = 1 THEN '' ELSE CAST(row_number() OVER again AS text) END AS username
FROM (SELECT n, created, f.t AS first_name, l.t AS last_name, d.t AS domain, CASE
        WHEN {chance(1, 100)} < 45 THEN f.t || '.' || replace(l.t, '''', '')
        WHEN {chance(1, 100)} < 70 THEN substr(f.t, 1, 1) || replace(l.t, '''', '')
        WHEN {chance(1, 100)} < 85 THEN lower(replace(l.t, '''', '') || '_' || f.t)
        ELSE f.t || replace(l.t, '''', '') END AS spelling
    FROM (SELECT n, {NOW} - {SPAN} / {USERS} * ({USERS} - n) - {chance(2, 60_000)} AS created, {skewed(3, 800)} AS f,
            {skewed(4, 6000)} AS l, {skewed(5, 300)} AS d FROM {series("numbers", USERS)}) people
    JOIN bench_first f ON f.i = people.f JOIN bench_last l ON l.i = people.l JOIN bench_domains d ON d.i = people.d) spelled
WINDOW again AS (PARTITION BY lower(spelling) ORDER BY n)
""")
say(f"CREATE UNIQUE INDEX bench_people_by_n ON bench_people (n)")
since = f"({NOW} - created)"
changed = f"CASE WHEN {chance(10, 100)} >= 15 THEN created + {since} / 1000 * {chance(22, 1000)} END"
say(f"""
INSERT INTO users (id, username, username_key, email, first_name, last_name, timezone, language, custom, password_hash,
    password_change_frequency, provider_kind, provider_name, suspended, locks, locked_until, password_reset_required, created, modified,
    last_login, last_failed_login, expiry, password_changed, opt_out_of_notifications, failed_login_attempts,
    failed_login_attempts_since_last_success, successful_login_attempts, security_stamp, version, password_due)
SELECT {uuid("created", "n")}, username, {key("username")},
    CASE WHEN {chance(6, 100)} < 2 THEN NULL
        WHEN {chance(6, 100)} < 30 THEN lower(first_name || '.' || replace(last_name, '''', '')) || '.' || n || '@' || domain
        ELSE lower(username) || '@' || domain END,
    CASE WHEN {chance(7, 100)} >= 4 THEN first_name END, CASE WHEN {chance(8, 100)} >= 4 THEN last_name END, z.t, g.t,
    CASE WHEN {chance(9, 100)} < 20
        THEN '{{"department":"' || w.t || '","employee":"' || (n % 900000 + 100000) || '","site":"Leeds"}}' ELSE '{{}}' END{json},
    CASE WHEN {chance(10, 100)} >= 15 THEN '$argon2id$v=19$m=19456,t=2,p=1$YmVuY2htYXJrLXNhbHQ$' || {hexadecimal("n", 43)} END,
    CASE WHEN {chance(11, 100)} < 10 THEN 90 END,
    CASE WHEN {chance(10, 100)} < 15 THEN 'external' ELSE 'contensis' END,
    CASE WHEN {chance(10, 100)} < 10 THEN 'Azure AD' WHEN {chance(10, 100)} < 15 THEN 'ADFS' ELSE 'contensis' END,
    {chance(12, 100)} < 5, CASE WHEN {chance(13, 100)} < 1 THEN 1 ELSE 0 END,
    CASE WHEN {chance(13, 100)} < 1 THEN 253402300799999 END, {chance(14, 100)} < 3,
    created, created + {since} / 1000 * {chance(15, 1000)},
    CASE WHEN {chance(16, 100)} >= 30 THEN created + {since} / 1000 * {chance(17, 1000)} END,
    CASE WHEN {chance(18, 100)} < 30 THEN created + {since} / 1000 * {chance(19, 1000)} END,
    CASE WHEN {chance(20, 100)} < 10 THEN {NOW} + {DAY} * ({chance(21, 1000)} - 100) END,
    {changed}, {chance(23, 100)} < 20, {chance(24, 30)}, {chance(24, 30)} % 4, {skewed(25, 2000)}, {uuid("created", "n")}, 1,
    CASE WHEN {chance(11, 100)} < 10 THEN {changed} + {90 * DAY} END
FROM bench_people JOIN bench_zones z ON z.i = {skewed(26, 5)} JOIN bench_languages g ON g.i = {skewed(27, 4)}
JOIN bench_words w ON w.i = {chance(28, len(WORDS.split()))} ORDER BY n
""")
text = f"coalesce(first_name, '') || ' ' || coalesce(last_name, '') || {line} || username || {line} || coalesce(email, '')"
say(f"""
INSERT INTO user_search (user_id, email_key, first_name_key, last_name_key, timezone_key, language_key, provider_name_key,
    names_key, custom_keys)
SELECT id, {key("email")}, {key("first_name")}, {key("last_name")}, {key("timezone")}, {key("language")}, {key("provider_name")},
    {key(text)} || {line} || {line}, lower(CAST(custom AS text)){json}
FROM users WHERE username_key <> 'admin' ORDER BY id
""")
say("""
INSERT INTO user_identifiers (identifier_key, user_id)
SELECT t.identifier, t.id FROM (SELECT username_key AS identifier, id FROM users WHERE username_key <> 'admin'
    UNION ALL SELECT email_key, user_id FROM user_search WHERE email_key IS NOT NULL) t ORDER BY t.identifier
ON CONFLICT DO NOTHING
""")
say(f"INSERT INTO user_counts (slot, users, changes) VALUES (99, {USERS}, {USERS})")

# Trees of twelve children each, with some edges across; the large groups are at their end.
say(f"""
CREATE {table} bench_groups AS
SELECT n, CASE WHEN n > 50 THEN (n - 51) / 12 + 1 END AS parent,
    CASE WHEN n > 700 AND n % 37 = 0 THEN {chance(31, 50)} + 51 END AS other,
    a.t || ' ' || b.t || ' ' || n AS name, CASE WHEN {chance(32, 2)} = 0 THEN 'Members of ' || a.t || ' in ' || b.t END AS description,
    CASE WHEN {chance(33, 10)} < 2 THEN 'external' ELSE 'contensis' END AS kind, {USERS // 10} / ({chance(34, GROUPS)} + 1) AS size
FROM (SELECT n, {chance(29, len(WORDS.split()))} AS a, {chance(30, len(WORDS.split()))} AS b FROM {series("numbers", GROUPS - len(LARGE))}) t
JOIN bench_words a ON a.i = t.a JOIN bench_words b ON b.i = t.b
""")
for number, (name, (share, parent)) in enumerate((LARGE | LISTS | CHAIN).items(), GROUPS - len(LARGE) + 1):
    size = share * USERS // 1_000_000
    say(f"INSERT INTO bench_groups VALUES ({number}, {parent or 'NULL'}, NULL, '{name}', NULL, 'contensis', {size})")
say("CREATE UNIQUE INDEX bench_groups_by_n ON bench_groups (n)")
group = lambda number: uuid(f"{NOW - SPAN - DAY} + {number}", number)
if is_sqlite:
    say("CREATE TEMP TABLE bench_numbers (k INTEGER PRIMARY KEY)")
    say(f"INSERT INTO bench_numbers SELECT n FROM {series('numbers', USERS)}")
    to_size = "bench_numbers ON k <= g.size"
else:
    to_size = "generate_series(1, g.size) k"
    say("ANALYZE bench_people, bench_groups")
member = f"(k * (g.n * 7919 % 90000 * 10 + 7) + g.n * 104729) % {USERS} + 1"
say(f"""
INSERT INTO groups (id, name, name_key, description, description_key, kind, custom, custom_keys, created, modified, version)
SELECT {group("n")}, name, {key("name")}, description, {key("description")}, kind, '{{}}', '{{}}',
    {NOW - SPAN - DAY} + n, {NOW} - {chance(35, 1_000_000)} * 100000, 1 FROM bench_groups ORDER BY n
""")
say(f"""
INSERT INTO group_children (parent_id, child_id)
SELECT {group("parent")}, {group("n")} FROM bench_groups WHERE parent IS NOT NULL
UNION SELECT {group("other")}, {group("n")} FROM bench_groups WHERE other IS NOT NULL
""")
say("UPDATE groups SET child_group_count = (SELECT count(*) FROM group_children WHERE parent_id = id)")
say(f"""
WITH RECURSIVE edges AS (SELECT parent, n FROM bench_groups WHERE parent IS NOT NULL UNION SELECT other, n FROM bench_groups
    WHERE other IS NOT NULL),
pairs (above, below) AS (SELECT n, n FROM bench_groups UNION SELECT p.above, e.n FROM pairs p JOIN edges e ON e.parent = p.below)
INSERT INTO group_closure (ancestor_id, descendant_id)
SELECT {group("above")}, {group("below")} FROM pairs ORDER BY above, below
""")
say(f"""
INSERT INTO group_users (group_id, user_id, added)
SELECT {group("g.n")}, {uuid("p.created", "p.n")}, {NOW}
FROM bench_groups g CROSS JOIN {to_size} JOIN bench_people p ON p.n = {member}
ORDER BY g.n, p.n
""")
say(f"""
INSERT INTO group_users (group_id, user_id, added)
SELECT (SELECT id FROM groups WHERE name_key = 'everyone'), id, {NOW} FROM users WHERE true ORDER BY users.id ON CONFLICT DO NOTHING
""")
say("""
INSERT INTO group_user_counts (group_id, slot, users, changes)
SELECT g.id, 0, coalesce(m.users, 0), coalesce(m.users, 0)
FROM groups g LEFT JOIN (SELECT group_id, count(*) AS users FROM group_users GROUP BY group_id) m ON m.group_id = g.id WHERE true
ON CONFLICT (group_id, slot) DO UPDATE SET users = excluded.users, changes = excluded.changes
""")
say("DELETE FROM group_user_counts WHERE slot <> 0")
say("DELETE FROM group_counts")
say("INSERT INTO group_counts (slot, groups) SELECT 0, count(*) FROM groups")
for name in ["people", "groups", "first", "last", "domains", "words", "zones", "languages"]:
    say(f"DROP TABLE bench_{name}")
for statement in indexes.values():
    say(statement)
print("COMMIT;")
print("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);" if is_sqlite else "VACUUM ANALYZE; CHECKPOINT;")
