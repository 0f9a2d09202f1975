// Every operation on users, but for searching.
import assert from 'node:assert/strict';

import { done, everything, has, invalid, isMoment, isUuid, names, paged, refused, unauthenticated } from './checks.mjs';
import { ANGEL, MARLA, NOBODY, PASSWORD, RICHARD, ROBERT, SOAP, SOAP_NAME, TECHNICIANS, TYLER } from './people.mjs';

/** A user but for what changes when the client signs in, which it does by itself whenever its token ends. */
const steady = ({ lastLogin, successfulLoginAttempts, ...rest }) => rest;

/** `who` connects as a user by their password, and `me` is whom the client is signed in as. */
export async function checkUsers(checks, { users, groups }, { who, me }) {
    await checkCreation(checks, users);
    await checkReading(checks, users, me);
    await checkChanges(checks, users);
    await checkPasswords(checks, users, who);
    await checkActions(checks, users, who, me);
    await checkMemberships(checks, users, groups);
    await checkDeletion(checks, users, me);
}

async function checkCreation(checks, users) {
    await checks.that('users.create answers the whole user', async () => {
        const created = await users.create({ ...TYLER, custom: { soap: 'lye', floor: 'basement' } });
        const { credentials, ...sent } = TYLER;
        has(created, {
            ...sent,
            timezone: 'Etc/UTC',
            language: 'en-GB',
            custom: { soap: 'lye', floor: 'basement' },
            credentials: { passwordChangeFrequency: 180, provider: { type: 'contensis', name: 'contensis' } },
            status: { suspended: false, locked: false, passwordResetRequired: false },
            modified: created.created,
            lastLogin: null,
            lastFailedLogin: null,
            expiry: null,
            passwordChanged: created.created,
            optOutOfNotifications: false,
            failedLoginAttempts: 0,
            failedLoginAttemptsSinceLastSuccess: 0,
            successfulLoginAttempts: 0,
        });
        isMoment(created.created);
    });
    await checks.that('users.create makes up the id and takes the address for the username', async () => {
        const { email, credentials } = MARLA;
        const created = await users.create({ email, credentials });
        isUuid(created.id);
        has(created, { username: email, email, firstName: null, lastName: null });
        await done(users.delete(created.id));
        has(await users.create({ ...MARLA, id: '00000000-0000-0000-0000-000000000000' }), { username: 'msinger' });
        await done(users.delete((await users.getByUsername('msinger')).id));
        has(await users.create(MARLA), { id: MARLA.id });
    });
    await checks.that('users.create can suspend at once', async () => {
        const created = await users.create(ROBERT, true);
        assert.deepEqual(created.status, { suspended: true, locked: false, passwordResetRequired: false });
    });
    await checks.that('users.create refuses what is taken', async () => {
        const another = { username: 'other', email: 'other@fightclub.com', credentials: { password: PASSWORD } };
        const message = "A user with the username 'TDurden' already exists";
        await refused(users.create({ ...another, username: 'TDurden' }), 409, { message });
        await refused(users.create({ ...another, email: TYLER.email.toUpperCase() }), 409);
        await refused(users.create({ ...another, username: TYLER.email }), 409);
        await refused(users.create({ ...another, id: TYLER.id }), 409);
    });
    await checks.that('users.create names every field that is not valid', async () => {
        await invalid(users.create({ username: 'other' }), 'email', 'credentials.password');
        await invalid(users.create({ ...ANGEL, username: 'search' }), 'username');
        await invalid(users.create({ ...ANGEL, credentials: { password: 'MyPassword' } }), 'credentials.password');
        await invalid(users.create({ ...ANGEL, expiry: '2020-01-01' }), 'expiry');
    });
}

async function checkReading(checks, users, me) {
    await checks.that('users.getById, getByUsername and getByEmail find one and the same', async () => {
        const user = await users.getById(TYLER.id);
        has(user, { id: TYLER.id, username: 'tdurden' });
        for (const spelling of [`{${TYLER.id.toUpperCase()}}`, TYLER.id.replaceAll('-', '')]) {
            assert.deepEqual(await users.getById(spelling), user, spelling);
        }
        assert.deepEqual(await users.getByUsername('tdurden'), user);
        assert.deepEqual(await users.getByUsername('TDurden'), user);
        assert.deepEqual(await users.getByEmail('t.durden@fightclub.com'), user);
        assert.deepEqual(await users.getByEmail('T.Durden@FightClub.com'), user);
    });
    await checks.that('users.getById refuses whom nobody knows', async () => {
        await refused(users.getById(NOBODY), 404, { message: 'User not found' });
        await refused(users.getByUsername('nobody'), 404);
        await refused(users.getByEmail('nobody@fightclub.com'), 404);
        await refused(users.getById('12', true), 404);
    });
    await checks.that('users.getCurrent is who signed in', async () => {
        const current = await users.getCurrent();
        has(current, me);
        assert.deepEqual(steady(await users.getById(current.id)), steady(current));
    });
    await checks.that('users.list pages through everybody', async () => {
        const first = paged(await users.list(), { pageIndex: 0, pageSize: 25 });
        for (const { username } of [TYLER, MARLA, ROBERT]) {
            assert.ok(names(first).includes(username), username);
        }
        assert.deepEqual((await everything((options) => users.list(options), 2)).map(steady), first.map(steady));
        const beyond = paged(await users.list({ pageOptions: { pageIndex: 9, pageSize: 1000 } }), { pageIndex: 9 });
        assert.deepEqual(beyond, []);
        await refused(users.list({ pageOptions: { pageIndex: 0, pageSize: -1 } }), 400);
    });
}

async function checkChanges(checks, users) {
    await checks.that('users.update takes the whole user back, changed', async () => {
        const before = await users.getById(TYLER.id);
        const changed = await users.update({
            ...before,
            firstName: 'Jack',
            email: 'jack@fightclub.com',
            timezone: 'America/New_York',
            language: 'en',
            optOutOfNotifications: true,
            custom: { floor: null, club: 'Fight' },
            status: { suspended: true, locked: true, passwordResetRequired: true },
            failedLoginAttempts: 7,
        });
        const { modified, ...rest } = changed;
        const { modified: earlier, ...kept } = before;
        assert.deepEqual(rest, {
            ...kept,
            firstName: 'Jack',
            email: 'jack@fightclub.com',
            timezone: 'America/New_York',
            language: 'en',
            optOutOfNotifications: true,
            custom: { soap: 'lye', club: 'Fight' },
        });
        assert.ok(modified >= earlier);
        assert.deepEqual(await users.getByEmail('jack@fightclub.com'), changed);
    });
    await checks.that('users.update sets and clears the date of expiry', async () => {
        has(await users.update({ id: TYLER.id, expiry: '2999-12-31T12:00:00Z' }), { expiry: '2999-12-31T12:00:00.000Z' });
        has(await users.update({ id: TYLER.id, firstName: 'Tyler' }), { expiry: '2999-12-31T12:00:00.000Z' });
        has(await users.update({ id: TYLER.id, expiry: null }), { expiry: null });
        await invalid(users.update({ id: TYLER.id, expiry: '2020-01-01' }), 'expiry');
    });
    await checks.that('users.update refuses names that are taken and users that are not', async () => {
        await invalid(users.update({ id: TYLER.id, username: 'msinger' }), 'username');
        await invalid(users.update({ id: TYLER.id, email: MARLA.email }), 'email');
        await refused(users.update({ id: NOBODY, firstName: 'Jack' }), 404);
        has(await users.update({ id: TYLER.id, email: TYLER.email }), { username: 'tdurden', email: TYLER.email });
    });
}

async function checkPasswords(checks, users, who) {
    await checks.that('users.updatePassword sets a password that works from then on', async () => {
        await done(users.updatePassword({ userId: TYLER.id, new: 'Pr0ject-Mayhem' }));
        await unauthenticated(who('tdurden', PASSWORD).users.getCurrent(), 'IncorrectUsernameorPassword');
        const signedIn = await who('tdurden', 'Pr0ject-Mayhem').users.getCurrent();
        has(signedIn, { id: TYLER.id, successfulLoginAttempts: 1, failedLoginAttempts: 1 });
    });
    await checks.that('users.updatePassword compares with the existing one', async () => {
        const change = { userId: TYLER.id, new: PASSWORD };
        const message = 'The existing password is incorrect';
        await refused(users.updatePassword({ ...change, existing: 'Wr0ng-one' }), 409, { message });
        await done(users.updatePassword({ ...change, existing: 'Pr0ject-Mayhem' }));
        has(await who('tdurden', PASSWORD).users.getCurrent(), { id: TYLER.id });
    });
    await checks.that('users.updatePassword refuses what breaks the policy', async () => {
        for (const password of ['Sh0rt', 'MyPassword', 'm4rl451ng3r', 'Tyler1234!', PASSWORD]) {
            await invalid(users.updatePassword({ userId: TYLER.id, new: password }), 'new');
        }
        await refused(users.updatePassword({ userId: NOBODY, new: PASSWORD }), 404);
    });
}

async function checkActions(checks, users, who, me) {
    await checks.that('users.suspendUser keeps out, users.unsuspendUser lets in again', async () => {
        const robert = () => who('rpaulson', PASSWORD).users.getCurrent();
        await unauthenticated(robert(), 'AccountSuspended');
        await unauthenticated(who('rpaulson', 'Wr0ng-one').users.getCurrent(), 'IncorrectUsernameorPassword');
        for (const [action, suspended] of [['unsuspendUser', false], ['suspendUser', true], ['unsuspendUser', false]]) {
            await done(users[action](ROBERT.id));
            await done(users[action]('rpaulson'));
            has((await users.getById(ROBERT.id)).status, { suspended });
        }
        has(await robert(), { id: ROBERT.id });
    });
    await checks.that('users.unlockUser does no harm to who is not locked', async () => {
        await done(users.unlockUser(ROBERT.id));
        has((await users.getById(ROBERT.id)).status, { locked: false });
    });
    await checks.that('users.setPasswordToExpirable ends a password that never expires', async () => {
        const credentials = { passwordChangeFrequency: 0 };
        has((await users.update({ id: ROBERT.id, credentials })).credentials, credentials);
        for (let twice = 0; twice < 2; twice += 1) {
            await done(users.setPasswordToExpirable(ROBERT.id));
            has((await users.getById(ROBERT.id)).credentials, { passwordChangeFrequency: 180 });
        }
    });
    await checks.that('users: no action on nobody, and no suspension of oneself', async () => {
        for (const action of ['suspendUser', 'unsuspendUser', 'unlockUser', 'setPasswordToExpirable']) {
            await refused(users[action](NOBODY), 404);
        }
        const refusal = await users.suspendUser(me.username).catch((error) => error);
        has(refusal, { status: 422 });
        assert.equal(refusal.data.type, 'Validation');
    });
}

async function checkMemberships(checks, users, groups) {
    await groups.create({ id: SOAP, name: SOAP_NAME });
    const technicians = await groups.create({ name: TECHNICIANS });
    await groups.addChildGroup(SOAP, technicians.id);
    await groups.addUser(technicians.id, TYLER.id);
    await checks.that('users.userIsMemberOf counts groups in groups, and any of several', async () => {
        for (const group of [TECHNICIANS, technicians.id, SOAP, SOAP_NAME, 'Everyone', 'CMS Editors']) {
            assert.equal(await users.userIsMemberOf(TYLER.id, group), true, group);
        }
        assert.equal(await users.userIsMemberOf('t.durden@fightclub.com', 'No such group', SOAP_NAME), true);
        assert.equal(await users.userIsMemberOf('@current', 'System Administrators'), true);
        assert.equal(await users.userIsMemberOf(TYLER.id, 'System Administrators', 'User Administrators'), false);
        assert.equal(await users.userIsMemberOf(TYLER.id, 'No such group'), false);
        assert.equal(await users.userIsMemberOf(MARLA.id, SOAP, technicians.id), false);
        assert.equal(await users.userIsMemberOf(NOBODY, 'Everyone'), false);
    });
    await checks.that('users.getUserGroups lists direct groups, inherited ones too, or fewer', async () => {
        const direct = paged(await users.getUserGroups(TYLER.id), { pageIndex: 0, pageSize: 25, totalCount: 2 });
        assert.deepEqual(names(direct), ['Everyone', TECHNICIANS]);
        assert.deepEqual(direct[1], await groups.getByName(TECHNICIANS));
        const inherited = { userId: 'tdurden', includeInherited: true };
        const all = ['CMS Editors', 'Everyone', TECHNICIANS, SOAP_NAME];
        assert.deepEqual(names((await users.getUserGroups(inherited)).items), all);
        const listed = await everything((options) => users.getUserGroups({ ...inherited, ...options }), 3);
        assert.deepEqual(names(listed), all);
        const fewer = await users.getUserGroups({ ...inherited, excludedGroups: [SOAP_NAME, 'No such group'] });
        assert.deepEqual(names(fewer.items), ['CMS Editors', 'Everyone', SOAP_NAME]);
        await refused(users.getUserGroups(NOBODY), 404);
    });
    await groups.delete(technicians.id);
    await groups.delete(SOAP);
}

async function checkDeletion(checks, users, me) {
    await checks.that('users.delete deletes, once, and nobody themselves', async () => {
        await users.create(RICHARD);
        await done(users.delete(RICHARD.id));
        await refused(users.getById(RICHARD.id), 404);
        await refused(users.delete(RICHARD.id), 404);
        await refused(users.delete('@current'), 403);
        for (const username of ['tdurden', 'msinger', 'rpaulson']) {
            await done(users.delete(username));
        }
        has(await users.getCurrent(), me);
    });
}
