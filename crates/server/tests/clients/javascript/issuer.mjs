// An OpenID provider on the loopback, of another make than the server: discovery, keys and token endpoint as in the world outside.
//
//   node issuer.mjs [--port PORT] [--keys FILE]
//
// It prints its issuer URL, and then answers each line on standard input with a line of JSON:
//
//   token {"client":"tdurden","audience":"guildhall","claims":{"email":"t.durden@fightclub.com"}}
//       asks its own token endpoint for an access token, and prints the endpoint's answer. What is said of a client stays said.
//       "claims" go into the token as they are (null takes one out); "scope" is asked for; "alg" is RS256 (the default) or
//       ES256; "lifetime" is in seconds.
//   rotate {"keep":false}
//       signs with new keys from now on; the old ones stay published, unless "keep" is false. Prints the ids of the published keys.
//   requests
//       prints how often each path was asked for so far.
//
// With --keys it takes its keys from the file, or puts them there, so that another one on the same port is the same issuer. It
// ends when its standard input does.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Provider from 'oidc-provider';

const { values: options } = parseArgs({
    options: { port: { type: 'string', default: '0' }, keys: { type: 'string' } },
});
const SECRET = randomBytes(32).toString('hex');
// What is known of each client.
const clients = new Map();
const requests = {};
let keys = options.keys && existsSync(options.keys) ? JSON.parse(readFileSync(options.keys, 'utf8')) : newKeys();
let answer;
// Standard output is for answers; the provider puts its notices there too.
console.info = console.error;

function newKeys() {
    // Encoded as it is made: Node waits for itself if the garbage of making a key is collected while the key is exported.
    const privateKeyEncoding = { format: 'jwk' };
    const made = [
        ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding })],
        ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding })],
    ];
    return made.map(([alg, { privateKey }]) => ({ ...privateKey, alg, use: 'sig', kid: randomBytes(8).toString('hex') }));
}

/** A provider takes its keys once, so that new keys need a new one. */
function publish() {
    if (options.keys) {
        writeFileSync(options.keys, JSON.stringify(keys), { mode: 0o600 });
    }
    answer = new Provider(issuer(), {
        adapter: Clients,
        jwks: { keys },
        cookies: { keys: [SECRET] },
        ttl: { ClientCredentials: (_context, token) => token.resourceServer.accessTokenTTL },
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            resourceIndicators: { enabled: true, defaultResource: () => 'urn:resource', getResourceServerInfo: resource },
        },
        formats: { customizers: { jwt: shape } },
    }).callback();
}

const issuer = () => `http://127.0.0.1:${server.address().port}`;

/** Who is known by the token endpoint. Nothing else has to be kept, since the tokens speak for themselves. */
class Clients {
    async find(id) {
        return clients.has(id)
            ? {
                client_id: id,
                client_secret: SECRET,
                token_endpoint_auth_method: 'client_secret_post',
                grant_types: ['client_credentials'],
                response_types: [],
                redirect_uris: [],
            }
            : undefined;
    }

    async upsert() {}
}

/** Whom a client's tokens are for, and how they are made. */
function resource(_context, _indicator, { clientId }) {
    const { audience, scope = '', alg = 'RS256', lifetime = 300 } = clients.get(clientId);
    const { kid } = keys.find((key) => key.alg === alg);
    return { scope, audience, accessTokenTTL: lifetime, accessTokenFormat: 'jwt', jwt: { sign: { alg, kid } } };
}

/** Puts the client's claims into its token. */
function shape(_context, { clientId }, { payload }) {
    for (const [name, value] of Object.entries(clients.get(clientId).claims ?? {})) {
        payload[name] = value ?? undefined;
    }
}

const commands = {
    async token({ client, ...known }) {
        clients.set(client, { ...clients.get(client), ...known });
        const { scope } = clients.get(client);
        const form = { grant_type: 'client_credentials', client_id: client, client_secret: SECRET, ...(scope && { scope }) };
        const response = await fetch(`${issuer()}/token`, { method: 'POST', body: new URLSearchParams(form) });
        return response.json();
    },

    rotate({ keep = true }) {
        keys = [...newKeys(), ...(keep ? keys : [])];
        publish();
        return { keys: keys.map(({ kid }) => kid) };
    },

    requests: () => ({ requests }),
};

const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, issuer());
    requests[pathname] = (requests[pathname] ?? 0) + 1;
    answer(request, response);
});
server.listen(Number(options.port), '127.0.0.1', async () => {
    publish();
    console.log(issuer());
    for await (const line of createInterface({ input: process.stdin })) {
        const [, name, argument] = line.match(/^(\w+) *(.*)$/) ?? [];
        const result = commands[name] ? await commands[name](JSON.parse(argument || '{}')) : { error: `what is ${line}?` };
        console.log(JSON.stringify(result));
    }
    process.exit();
});
