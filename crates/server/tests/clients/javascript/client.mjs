// Runs the platform's published JavaScript client, as it is published, through every operation that it has on users and groups.
//
//   node client.mjs ROOT_URL SETTINGS [--search]
//
// SETTINGS is JSON: username and password of an administrator, clientId and clientSecret of an API key, and, where they are not
// as usual, keyName (what the key's user is called) and lockAfter (how many wrong passwords lock an account). What it makes it
// deletes again. --search is for servers that can search.
import { Checks } from './checks.mjs';
import { byKey, byPassword, byRefreshToken, CLASSIC, CREDENTIALS, REFRESH } from './connections.mjs';
import { Coverage } from './coverage.mjs';
import { checkGroups } from './groups.mjs';
import { checkMember } from './members.mjs';
import { sweep } from './people.mjs';
import { checkSearch } from './search.mjs';
import { checkTokens } from './tokens.mjs';
import { checkUsers } from './users.mjs';

async function run(checks, rootUrl, settings, search) {
    const { username, password, clientId, clientSecret, keyName } = settings;
    const admin = byPassword(rootUrl, username, password);
    const { users, groups } = admin.security;
    await sweep(admin.security);
    // The key's user administers like every other: as a member.
    const key = await byKey(rootUrl, clientId, clientSecret).security.users.getCurrent();
    await groups.addUser('System Administrators', key.id);

    checks.about('tokens');
    await checkTokens(checks, rootUrl, settings);

    const { refreshToken } = admin;
    const ways = {
        [CREDENTIALS]: (more) => byKey(rootUrl, clientId, clientSecret, more),
        [CLASSIC]: (more) => byPassword(rootUrl, username, password, more),
        [REFRESH]: (more) => byRefreshToken(rootUrl, refreshToken, more),
    };
    for (const [type, connect] of Object.entries(ways)) {
        checks.about(type);
        await sweep(admin.security);
        const covered = new Coverage(connect());
        const me = type === CREDENTIALS
            ? { id: key.id, username: keyName ?? key.username, email: null }
            : { username };
        await checkUsers(checks, covered, { who: (name, secret) => byPassword(rootUrl, name, secret).security, me });
        await checkGroups(checks, covered);
        if (search) {
            await checkSearch(checks, covered, connect);
        }
        await checks.that('no operation of the package was left out', () =>
            covered.assertComplete(search ? [] : ['users.search']));
    }

    checks.about('no administrator');
    await sweep(admin.security);
    await checkMember(checks, rootUrl, { users, groups }, search);
}

const [rootUrl, settings, ...flags] = process.argv.slice(2);
if (!settings || flags.some((flag) => flag !== '--search')) {
    console.error('usage: node client.mjs ROOT_URL SETTINGS [--search]');
    process.exit(2);
}
const checks = new Checks();
await checks.that('the checks ran to their end', () => run(checks, rootUrl, JSON.parse(settings), flags.includes('--search')));
process.exitCode = checks.end();
