// Signing in, refusals to sign in, and what happens when tokens expire.
import assert from 'node:assert/strict';

import { done, has, isMoment, unauthenticated, unauthorised } from './checks.mjs';
import { byKey, byPassword, byRefreshToken, CLASSIC, client, clock, CREDENTIALS, REFRESH, Wire } from './connections.mjs';
import { PASSWORD, TYLER } from './people.mjs';

const WRONG = 'IncorrectUsernameorPassword';
// For so long before the end the client takes a token for expired.
const EARLY = 60_000;

export async function checkTokens(checks, rootUrl, settings) {
    const { username, password, clientId, clientSecret } = settings;
    const admin = byPassword(rootUrl, username, password);
    await admin.security.users.create(TYLER);
    await checkRefusals(checks, rootUrl, settings);
    const ways = {
        [CREDENTIALS]: (more) => byKey(rootUrl, clientId, clientSecret, more),
        [CLASSIC]: (more) => byPassword(rootUrl, username, password, more),
        [REFRESH]: (more) => byRefreshToken(rootUrl, admin.refreshToken, more),
    };
    for (const [type, connect] of Object.entries(ways)) {
        await checkAnswer(checks, type, connect);
        await checkRenewal(checks, type, connect);
    }
    await checkRefreshToken(checks, rootUrl, admin);
    await checkRevocation(checks, rootUrl, admin);
    await checkLock(checks, rootUrl, admin, settings.lockAfter ?? 5);
    await admin.security.users.delete(TYLER.id);
}

async function checkRefusals(checks, rootUrl, { username, password, clientId, clientSecret }) {
    const me = (made) => made.security.users.getCurrent();
    await checks.that('a wrong password is refused, and so is a user that nobody knows', async () => {
        await unauthenticated(me(byPassword(rootUrl, 'tdurden', 'Wr0ng-one')), WRONG);
        await unauthenticated(me(byPassword(rootUrl, 'nobody', password)), WRONG);
        await unauthenticated(me(byPassword(rootUrl, 'tdurden', PASSWORD.toLowerCase())), WRONG);
    });
    await checks.that('an address signs in as well as a username, in any case', async () => {
        for (const name of [TYLER.email, 'TDURDEN', TYLER.email.toUpperCase()]) {
            has(await me(byPassword(rootUrl, name, PASSWORD)), { id: TYLER.id });
        }
    });
    await checks.that('a sign-in is counted, and a failure too', async () => {
        await unauthenticated(me(byPassword(rootUrl, 'tdurden', 'Wr0ng-one')), WRONG);
        const reader = byPassword(rootUrl, username, password).security.users;
        const failed = await reader.getById(TYLER.id);
        isMoment(failed.lastFailedLogin);
        has(failed, { failedLoginAttemptsSinceLastSuccess: 1 });
        const succeeded = await me(byPassword(rootUrl, 'tdurden', PASSWORD));
        isMoment(succeeded.lastLogin);
        has(succeeded, {
            failedLoginAttempts: failed.failedLoginAttempts,
            failedLoginAttemptsSinceLastSuccess: 0,
            successfulLoginAttempts: failed.successfulLoginAttempts + 1,
            modified: failed.modified,
        });
    });
    await checks.that('a wrong secret is refused, and so is a key that nobody knows', async () => {
        const other = clientSecret.replace(/./g, (letter) => (letter === '-' ? letter : '0'));
        await unauthenticated(me(byKey(rootUrl, clientId, other)), 'invalid_client');
        await unauthenticated(me(byKey(rootUrl, '00000000-0000-4000-8000-000000000000', clientSecret)), 'invalid_client');
        await unauthenticated(me(byKey(rootUrl, 'nobody', clientSecret)), 'invalid_client');
    });
    await checks.that('a refresh token that was never issued is refused', async () => {
        await unauthenticated(me(byRefreshToken(rootUrl, 'nonsense')), 'invalid_grant');
        const token = await byPassword(rootUrl, 'tdurden', PASSWORD).ensureBearerToken();
        await unauthenticated(me(byRefreshToken(rootUrl, token)), 'invalid_grant');
    });
    await checks.that('a client without a type of its own is told so', async () => {
        await unauthenticated(me(client(rootUrl, 'none', null)), 'unsupported_grant_type');
    });
    await checks.that('a token that is none is refused', async () => {
        const stranger = byPassword(rootUrl, 'tdurden', PASSWORD);
        stranger.bearerToken = 'nonsense';
        stranger.bearerTokenExpiryDate = new Date(Date.now() + 3_600_000);
        await unauthorised(stranger.security.users.getCurrent());
        assert.equal(await stranger.security.users.userIsMemberOf('@current', 'Everyone'), false);
    });
}

async function checkAnswer(checks, type, connect) {
    await checks.that(`${type}: the answer of the token endpoint is what the client builds on`, async () => {
        const wire = new Wire();
        const connected = connect({ fetchFn: wire.fetch });
        await connected.security.users.getCurrent();
        assert.ok(wire.answers.every(({ redirected }) => !redirected));
        const [{ status, headers, asked, answered }, ...more] = wire.tokens();
        assert.deepEqual(more, []);
        assert.equal(status, 200);
        assert.equal(asked.grant_type, type);
        assert.match(headers.get('content-type'), /^application\/json/);
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.equal(headers.get('pragma'), 'no-cache');
        assert.equal(answered.token_type, 'Bearer');
        assert.ok(answered.expires_in * 1000 > EARLY, 'the client would sign in again before every call');
        assert.equal(connected.bearerToken, answered.access_token);
        assert.equal(typeof connected.bearerToken, 'string');
        assert.equal(typeof answered.refresh_token, type === CREDENTIALS ? 'undefined' : 'string');
        assert.equal(connected.isRefreshTokenExpired(), type === CREDENTIALS);
    });
    await checks.that(`${type}: calls at the same time all sign in`, async () => {
        const { users } = connect().security;
        const everybody = await Promise.all(Array.from({ length: 6 }, () => users.getCurrent()));
        assert.equal(new Set(everybody.map((user) => user.id)).size, 1);
    });
}

async function checkRenewal(checks, type, connect) {
    await checks.that(`${type}: a token is used until a minute before its end, and renewed then, again and again`, async () => {
        const wire = new Wire();
        const connected = connect({ fetchFn: wire.fetch });
        const { users } = connected.security;
        const started = Date.now();
        try {
            clock.stopAt(started);
            const me = await users.getCurrent();
            for (let renewals = 0; renewals < 3; renewals += 1) {
                assert.equal(wire.tokens().length, renewals + 1);
                const ends = connected.bearerTokenExpiryDate.getTime();
                clock.stopAt(ends - EARLY - 1);
                assert.equal((await users.getCurrent()).id, me.id);
                assert.equal(wire.tokens().length, renewals + 1, 'the token was good still');
                clock.stopAt(ends - EARLY);
                assert.equal((await users.getCurrent()).id, me.id);
            }
        } finally {
            clock.goOn();
        }
        assert.ok(wire.answers.every(({ status }) => status === 200));
        const [first, ...renewed] = wire.tokens();
        for (const { asked } of renewed) {
            assert.deepEqual(asked, first.asked, 'the client signs in with what it was made with');
        }
    });
}

async function checkRefreshToken(checks, rootUrl, admin) {
    await checks.that('refresh tokens: the first one and the newest one both stay good', async () => {
        const me = await admin.security.users.getCurrent();
        const first = admin.refreshToken;
        let newest = first;
        for (let renewals = 0; renewals < 2; renewals += 1) {
            for (const token of [newest, first]) {
                const connected = byRefreshToken(rootUrl, token);
                has(await connected.security.users.getCurrent(), { id: me.id });
                newest = connected.refreshToken;
            }
        }
    });
    await checks.that('refresh tokens: a refresh is no sign-in', async () => {
        const tyler = byPassword(rootUrl, 'tdurden', PASSWORD);
        const before = await tyler.security.users.getCurrent();
        assert.deepEqual(await byRefreshToken(rootUrl, tyler.refreshToken).security.users.getCurrent(), before);
    });
}

async function checkRevocation(checks, rootUrl, admin) {
    const { users } = admin.security;
    const tyler = async () => {
        const connected = byPassword(rootUrl, 'tdurden', PASSWORD);
        await connected.ensureBearerToken();
        return connected;
    };
    const kept = (connected) => byRefreshToken(rootUrl, connected.refreshToken).ensureBearerToken();
    await checks.that('a suspension ends tokens at once, and its end does not bring them back', async () => {
        const connected = await tyler();
        await done(users.suspendUser(TYLER.id));
        await unauthorised(connected.security.users.getCurrent());
        await unauthenticated(kept(connected), 'invalid_grant');
        await done(users.unsuspendUser(TYLER.id));
        await unauthorised(connected.security.users.getCurrent());
        await unauthenticated(kept(connected), 'invalid_grant');
        has(await (await tyler()).security.users.getCurrent(), { id: TYLER.id });
    });
    await checks.that('a new password ends refresh tokens', async () => {
        const connected = await tyler();
        await done(users.updatePassword({ userId: TYLER.id, new: 'Pr0ject-Mayhem' }));
        await unauthenticated(kept(connected), 'invalid_grant');
        await done(users.updatePassword({ userId: TYLER.id, new: PASSWORD }));
    });
    await checks.that('a deleted user has no tokens left', async () => {
        const connected = await tyler();
        await done(users.delete(TYLER.id));
        await unauthorised(connected.security.users.getCurrent());
        await unauthenticated(kept(connected), 'invalid_grant');
        await unauthenticated(byPassword(rootUrl, 'tdurden', PASSWORD).ensureBearerToken(), WRONG);
        await users.create(TYLER);
        await unauthenticated(kept(connected), 'invalid_grant');
    });
}

async function checkLock(checks, rootUrl, admin, lockAfter) {
    const { users } = admin.security;
    const signIn = (password) => byPassword(rootUrl, 'tdurden', password).ensureBearerToken();
    await checks.that(`an account is locked after ${lockAfter} wrong passwords in a row, until it is unlocked`, async () => {
        // From where nobody has signed in, and then from where the user has: there the address alone is kept out.
        for (const locked of [true, false]) {
            for (let failures = 1; failures <= lockAfter; failures += 1) {
                has((await users.getById(TYLER.id)).status, { locked: false });
                await unauthenticated(signIn('Wr0ng-one'), WRONG);
            }
            has((await users.getById(TYLER.id)).status, { locked, suspended: false });
            await unauthenticated(signIn('Wr0ng-one'), 'AccountLocked');
            await unauthenticated(signIn(PASSWORD), 'AccountLocked');
            await done(users.unlockUser(TYLER.id));
            has(await users.getById(TYLER.id), { failedLoginAttemptsSinceLastSuccess: 0 });
            await signIn(PASSWORD);
            has((await users.getById(TYLER.id)).status, { locked: false });
        }
    });
}
