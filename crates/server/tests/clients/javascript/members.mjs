// What somebody may do who administers nothing.
import assert from 'node:assert/strict';

import { done, has, invalid, names, refused } from './checks.mjs';
import { byPassword } from './connections.mjs';
import { ANGEL, MARLA, NOBODY, PASSWORD, SOAP, SOAP_NAME, TYLER } from './people.mjs';

/** `admin` prepares what is there. */
export async function checkMember(checks, rootUrl, admin, search) {
    await admin.users.create(TYLER);
    await admin.users.create(MARLA);
    await admin.groups.create({ id: SOAP, name: SOAP_NAME });
    await admin.groups.addUser(SOAP, TYLER.id);
    // Each from a sign-in of its own, since the first one changes the password.
    const signIn = () => byPassword(rootUrl, 'tdurden', PASSWORD).security;
    await checkThemselves(checks, rootUrl, signIn());
    await checkOthers(checks, signIn(), search);
    await checks.that('they may delete themselves', async () => {
        await done(signIn().users.delete(TYLER.id));
        await refused(admin.users.getById(TYLER.id), 404);
    });
    await admin.users.delete(MARLA.id);
    await admin.groups.delete(SOAP);
}

async function checkThemselves(checks, rootUrl, { users, groups }) {
    await checks.that('they see themselves, and where they belong', async () => {
        const me = await users.getCurrent();
        has(me, { id: TYLER.id });
        for (const found of [users.getById(TYLER.id), users.getByUsername('tdurden'), users.getByEmail(TYLER.email)]) {
            assert.deepEqual(await found, me);
        }
        assert.deepEqual(names((await users.getUserGroups(TYLER.id)).items), ['Everyone', SOAP_NAME]);
        const inherited = await users.getUserGroups({ userId: '@current', includeInherited: true });
        assert.deepEqual(names(inherited.items), ['CMS Editors', 'Everyone', SOAP_NAME]);
        assert.equal(await users.userIsMemberOf('@current', SOAP_NAME), true);
        assert.equal(await users.userIsMemberOf(TYLER.id, 'System Administrators'), false);
        assert.equal(await groups.hasUser(SOAP, TYLER.id), true);
        assert.equal(await groups.hasUser('System Administrators', '@current'), false);
    });
    await checks.that('they change what is theirs, and nothing else', async () => {
        const me = await users.getCurrent();
        has(await users.update({ ...me, lastName: 'Jackson' }), { lastName: 'Jackson', expiry: null });
        await refused(users.update({ ...me, expiry: '2999-01-01' }), 403, { message: 'Access denied' });
        const credentials = { ...me.credentials, passwordChangeFrequency: 1 };
        await refused(users.update({ ...me, credentials }), 403);
    });
    await checks.that('they change their password with the one they have', async () => {
        const userId = TYLER.id;
        await invalid(users.updatePassword({ userId, new: 'An0ther!One' }), 'existing');
        await refused(users.updatePassword({ userId, new: 'An0ther!One', existing: 'Wr0ng-one' }), 409);
        await done(users.updatePassword({ userId, new: 'An0ther!One', existing: PASSWORD }));
        const again = byPassword(rootUrl, 'tdurden', 'An0ther!One').security.users;
        await done(again.updatePassword({ userId, new: PASSWORD, existing: 'An0ther!One' }));
    });
}

async function checkOthers(checks, { users, groups }, search) {
    const refusals = {
        'users.getById': [MARLA.id],
        'users.getByUsername': ['msinger'],
        'users.getByEmail': [MARLA.email],
        'users.list': [],
        'users.getUserGroups': [MARLA.id],
        'users.create': [ANGEL],
        'users.update': [{ id: MARLA.id, firstName: 'Mary' }],
        'users.updatePassword': [{ userId: MARLA.id, new: 'An0ther!One', existing: PASSWORD }],
        'users.delete': [MARLA.id],
        'users.suspendUser': [MARLA.id],
        'users.unsuspendUser': [MARLA.id],
        'users.unlockUser': [TYLER.id],
        'users.setPasswordToExpirable': [TYLER.id],
        'groups.getById': [SOAP],
        'groups.getByName': [SOAP_NAME],
        'groups.list': [],
        'groups.create': [{ name: 'Fight Club' }],
        'groups.update': [{ id: SOAP, name: 'Fight Club' }],
        'groups.delete': [SOAP],
        'groups.addUser': [SOAP, TYLER.id],
        'groups.addUsers': ['System Administrators', [TYLER.id]],
        'groups.removeUser': [SOAP, TYLER.id],
        'groups.addChildGroup': ['System Administrators', SOAP],
        'groups.addChildGroups': ['System Administrators', [SOAP]],
        'groups.removeChildGroup': ['CMS Editors', 'Everyone'],
        'groups.getUsersByGroupId': [SOAP],
        'groups.getUsersByGroupName': [SOAP_NAME],
        'groups.getChildGroupsByGroupId': [SOAP],
        'groups.getChildGroupsByGroupName': [SOAP_NAME],
        ...(search ? { 'users.search': [{ where: [] }] } : {}),
    };
    for (const [name, values] of Object.entries(refusals)) {
        await checks.that(`they are refused ${name}`, async () => {
            const [area, operation] = name.split('.');
            await refused({ users, groups }[area][operation](...values), 403, { message: 'Access denied' });
        });
    }
    await checks.that('they are not told who is there', async () => {
        await refused(users.getById(NOBODY), 403, { message: 'Access denied' });
        await refused(groups.getById(NOBODY), 403, { message: 'Access denied' });
        assert.equal(await users.userIsMemberOf(MARLA.id, 'Everyone'), false);
        assert.equal(await groups.hasUser('Everyone', MARLA.id), false);
    });
}
