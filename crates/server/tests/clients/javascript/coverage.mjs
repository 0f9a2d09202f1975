// Knows which operations the package offers, and which of them were used.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The operations of a client, and which of them have worked at least once. */
export class Coverage {
    #used = { users: new Set(), groups: new Set() };
    #offered;

    constructor(client) {
        this.#offered = { users: offered(client.security.users), groups: offered(client.security.groups) };
        this.users = this.#watch('users', client.security.users);
        this.groups = this.#watch('groups', client.security.groups);
    }

    /** Fails if an operation of the package was never used, but for these. */
    assertComplete(except = []) {
        const unused = Object.entries(this.#offered).flatMap(([area, operations]) =>
            operations.filter((name) => !this.#used[area].has(name)).map((name) => `${area}.${name}`));
        assert.deepEqual(unused, except);
    }

    // The object itself stays as it is: what it calls of its own goes past this.
    #watch(area, operations) {
        return new Proxy(operations, {
            get: (target, name) => async (...values) => {
                const result = await target[name](...values);
                this.#used[area].add(name);
                return result;
            },
        });
    }
}

// JavaScript knows no private methods of TypeScript, so the package's own declarations tell which ones are.
function offered(operations) {
    const file = operations.constructor.name.replace('Operations', '-operations').toLowerCase();
    const folder = file.replace('-operations', 's');
    const declarations = readFileSync(
        require.resolve(`contensis-management-api/lib/security/${folder}/${file}.d.ts`), 'utf8');
    const all = Object.getOwnPropertyNames(Object.getPrototypeOf(operations)).filter((name) => name !== 'constructor');
    const hidden = [...declarations.matchAll(/^ {4}private (\w+);$/gm)].map((match) => match[1]);
    const open = [...declarations.matchAll(/^ {4}(\w+)\(/gm)].map((match) => match[1])
        .filter((name) => name !== 'constructor');
    assert.deepEqual(open, all.filter((name) => !hidden.includes(name)), 'the declarations are read wrongly');
    return open;
}
