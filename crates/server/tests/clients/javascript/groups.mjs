// Every operation on groups, but for searching.
import assert from 'node:assert/strict';

import { done, everything, has, invalid, isMoment, isUuid, names, paged, refused } from './checks.mjs';
import { ALL, MARLA, NOBODY, ROBERT, SOAP, SOAP_NAME, TECHNICIANS, TYLER } from './people.mjs';

export async function checkGroups(checks, { users, groups }) {
    for (const person of ALL) {
        await users.create(person);
    }
    await checkCreation(checks, groups);
    await checkReading(checks, groups);
    await checkChanges(checks, groups);
    await checkMembers(checks, groups);
    await checkChildren(checks, groups);
    await checkNesting(checks, users, groups);
    await checkDeletion(checks, users, groups);
}

async function checkCreation(checks, groups) {
    await checks.that('groups.create answers the whole group', async () => {
        const description = 'Makes soap';
        const created = await groups.create({ id: SOAP, name: SOAP_NAME, description, custom: { street: 'Paper' } });
        has(created, {
            id: SOAP,
            name: SOAP_NAME,
            description,
            type: 'contensis',
            userCount: 0,
            childGroupCount: 0,
            custom: { street: 'Paper' },
            autoMembershipEmailDomains: null,
            modified: created.created,
        });
        isMoment(created.created);
        const another = await groups.create({ name: TECHNICIANS });
        isUuid(another.id);
        has(another, { name: TECHNICIANS, description: null, custom: {} });
    });
    await checks.that('groups.create refuses what is taken and what is not valid', async () => {
        const message = `A group with the name '${SOAP_NAME.toUpperCase()}' already exists`;
        await refused(groups.create({ name: SOAP_NAME.toUpperCase() }), 409, { message });
        await refused(groups.create({ name: 'Another', id: SOAP }), 409);
        await invalid(groups.create({ description: 'No name' }), 'name');
        await invalid(groups.create({ name: NOBODY }), 'name');
    });
}

async function checkReading(checks, groups) {
    await checks.that('groups.getById and getByName find one and the same', async () => {
        const group = await groups.getById(SOAP);
        has(group, { id: SOAP, name: SOAP_NAME });
        assert.deepEqual(await groups.getById(`{${SOAP.toUpperCase()}}`), group);
        assert.deepEqual(await groups.getByName(SOAP_NAME), group);
        assert.deepEqual(await groups.getByName(SOAP_NAME.toLowerCase()), group);
        has(await groups.getByName('Everyone'), { type: 'sys', name: 'Everyone' });
        await refused(groups.getById(NOBODY), 404, { message: 'Group not found' });
        await refused(groups.getByName('No such group'), 404);
    });
    await checks.that('groups.list pages through all', async () => {
        const first = paged(await groups.list(), { pageIndex: 0, pageSize: 25 });
        for (const name of [SOAP_NAME, TECHNICIANS, 'CMS Editors', 'Everyone', 'System Administrators']) {
            assert.ok(names(first).includes(name), name);
        }
        assert.deepEqual(await everything((options) => groups.list(options), 4), first);
    });
}

async function checkChanges(checks, groups) {
    await checks.that('groups.update takes the whole group back, changed', async () => {
        const before = await groups.getById(SOAP);
        const changed = await groups.update({ ...before, name: 'Soap', description: null, custom: { lye: true } });
        const { modified, ...rest } = changed;
        const { modified: earlier, ...kept } = before;
        assert.deepEqual(rest, { ...kept, name: 'Soap', description: null, custom: { lye: true } });
        assert.ok(modified >= earlier);
        await refused(groups.getByName(SOAP_NAME), 404);
        has(await groups.update({ id: SOAP, name: SOAP_NAME }), { name: SOAP_NAME, custom: { lye: true } });
    });
    await checks.that('groups.update refuses names that are taken and groups that are not', async () => {
        await invalid(groups.update({ id: SOAP, name: TECHNICIANS }), 'name');
        await invalid(groups.update({ id: (await groups.getByName('Everyone')).id, name: 'Nobody' }), 'name');
        await refused(groups.update({ id: NOBODY, name: 'Nobody' }), 404);
    });
}

async function checkMembers(checks, groups) {
    await checks.that('groups.addUser adds, and again changes nothing', async () => {
        await done(groups.addUser(SOAP, TYLER.id));
        await done(groups.addUser(SOAP_NAME, 'tdurden'));
        await done(groups.addUser(SOAP_NAME, TYLER.email));
        has(await groups.getById(SOAP), { userCount: 1 });
        await refused(groups.addUser(NOBODY, TYLER.id), 404, { message: 'Group not found' });
        await refused(groups.addUser(SOAP, NOBODY), 404, { message: 'User not found' });
    });
    await checks.that('groups.hasUser says who is in', async () => {
        assert.equal(await groups.hasUser(SOAP, TYLER.id), true);
        assert.equal(await groups.hasUser(SOAP_NAME, 'tdurden'), true);
        assert.equal(await groups.hasUser(SOAP, MARLA.id), false);
        assert.equal(await groups.hasUser(SOAP, NOBODY), false);
        assert.equal(await groups.hasUser(NOBODY, TYLER.id), false);
        assert.equal(await groups.hasUser('Everyone', '@current'), true);
    });
    await checks.that('groups.addUsers adds all of them or nobody', async () => {
        const two = [MARLA.id, ROBERT.id];
        const message = 'User not found';
        await refused(groups.addUsers(SOAP, [...two, NOBODY]), 404, { message, data: { userIds: [NOBODY] } });
        await refused(groups.addUsers(SOAP, [...two, 'tdurden']), 400);
        await refused(groups.addUsers(NOBODY, two), 404, { message: 'Group not found' });
        has(await groups.getById(SOAP), { userCount: 1 });
        for (const group of [SOAP, SOAP_NAME]) {
            await done(groups.addUsers(group, [...ALL.map((person) => person.id), TYLER.id]));
            has(await groups.getById(SOAP), { userCount: ALL.length });
        }
        for (const { id } of ALL) {
            assert.equal(await groups.hasUser(SOAP, id), true, id);
        }
    });
    await checks.that('groups.getUsersByGroupId and getUsersByGroupName list the members', async () => {
        const sorted = ALL.map((person) => person.username).sort();
        const page = await groups.getUsersByGroupId(SOAP);
        const members = paged(page, { pageIndex: 0, pageSize: 25, totalCount: ALL.length });
        assert.deepEqual(names(members), sorted);
        assert.deepEqual(await groups.getUsersByGroupName(SOAP_NAME), page);
        assert.deepEqual(await everything((options) => groups.getUsersByGroupId(SOAP, options), 2), members);
        await refused(groups.getUsersByGroupId(NOBODY), 404);
        await refused(groups.getUsersByGroupName('No such group'), 404);
    });
    await checks.that('groups.removeUser removes, once', async () => {
        await done(groups.removeUser(SOAP, TYLER.id));
        await refused(groups.removeUser(SOAP, TYLER.id), 404);
        await refused(groups.removeUser('Everyone', TYLER.id), 409);
        assert.equal(await groups.hasUser(SOAP, TYLER.id), false);
        for (const { id } of ALL.slice(1)) {
            await done(groups.removeUser(SOAP_NAME, id));
        }
        has(await groups.getById(SOAP), { userCount: 0 });
    });
}

async function checkChildren(checks, groups) {
    const child = await groups.getByName(TECHNICIANS);
    await checks.that('groups.addChildGroup and removeChildGroup', async () => {
        for (const [group, member] of [[SOAP, child.id], [SOAP_NAME, TECHNICIANS]]) {
            await done(groups.addChildGroup(group, member));
            has(await groups.getById(SOAP), { childGroupCount: 1 });
        }
        await invalid(groups.addChildGroup(SOAP, SOAP), 'childGroupId');
        await invalid(groups.addChildGroup(child.id, SOAP), 'childGroupId');
        await refused(groups.addChildGroup(SOAP, NOBODY), 404);
        await done(groups.removeChildGroup(SOAP, child.id));
        await refused(groups.removeChildGroup(SOAP, child.id), 404);
        has(await groups.getById(SOAP), { childGroupCount: 0 });
    });
    await checks.that('groups.addChildGroups adds all of them or none', async () => {
        const other = await groups.getByName('AD Users');
        const data = { groupIds: [NOBODY] };
        await refused(groups.addChildGroups(SOAP, [child.id, NOBODY]), 404, { data });
        const loop = await groups.addChildGroups(SOAP, [child.id, SOAP]).catch((error) => error);
        has(loop, { status: 422 });
        has(await groups.getById(SOAP), { childGroupCount: 0 });
        await done(groups.addChildGroups(SOAP, [child.id, other.id, child.id]));
        has(await groups.getById(SOAP), { childGroupCount: 2 });
        await done(groups.removeChildGroup(SOAP_NAME, 'AD Users'));
    });
}

// Here the technicians, with Tyler in them, are part of the company, with Marla in it.
async function checkNesting(checks, users, groups) {
    const child = await groups.getByName(TECHNICIANS);
    const own = await groups.create({ name: 'Lye' });
    await groups.addChildGroup(SOAP, TECHNICIANS);
    await groups.addChildGroup(TECHNICIANS, own.id);
    await groups.addUser(own.id, TYLER.id);
    await groups.addUser(SOAP, MARLA.id);
    await checks.that('groups.hasUser counts groups in groups', async () => {
        for (const group of [own.id, TECHNICIANS, SOAP]) {
            assert.equal(await groups.hasUser(group, TYLER.id), true, group);
        }
        assert.equal(await groups.hasUser(TECHNICIANS, MARLA.id), false);
        const below = { groups: [{ id: own.id, name: own.name }], hasMore: false };
        await refused(groups.removeUser(SOAP, TYLER.id), 404, { data: below });
    });
    await checks.that('groups.getUsersByGroupId includes inherited members, or excludes groups', async () => {
        const listed = async (options) => names((await groups.getUsersByGroupId(SOAP, options)).items);
        assert.deepEqual(await listed(), ['msinger']);
        assert.deepEqual(await listed({ includeInherited: false }), ['msinger']);
        assert.deepEqual(await listed({ includeInherited: true }), ['msinger', 'tdurden']);
        assert.deepEqual(await listed({ includeInherited: true, excludedGroups: [own.id, 'No such group'] }), ['msinger']);
        assert.deepEqual(await listed({ includeInherited: true, excludedGroups: ['Everyone'] }), []);
        const byName = await groups.getUsersByGroupName(SOAP_NAME, { includeInherited: true });
        assert.deepEqual(names(byName.items), ['msinger', 'tdurden']);
        has((await users.getUserGroups({ userId: TYLER.id, includeInherited: true })), { totalCount: 5 });
    });
    await checks.that('groups.getChildGroupsByGroupId and getChildGroupsByGroupName', async () => {
        const page = await groups.getChildGroupsByGroupId(SOAP);
        const direct = paged(page, { pageIndex: 0, pageSize: 25, totalCount: 1 });
        assert.deepEqual(direct, [{ ...child, childGroupCount: 1 }]);
        assert.deepEqual(await groups.getChildGroupsByGroupName(SOAP_NAME), page);
        const listed = async (options) => names((await groups.getChildGroupsByGroupId(SOAP, options)).items);
        const all = [TECHNICIANS, 'Lye'].sort();
        assert.deepEqual(await listed({ includeInherited: true }), all);
        assert.deepEqual(await listed({ includeInherited: false, includeSelf: true }), [TECHNICIANS, SOAP_NAME]);
        assert.deepEqual(await listed({ includeInherited: true, includeSelf: true }), [...all, SOAP_NAME]);
        assert.deepEqual(await listed({ includeInherited: true, excludedGroups: [TECHNICIANS] }), [TECHNICIANS]);
        const paging = (options) => groups.getChildGroupsByGroupId(SOAP, { includeInherited: true, ...options });
        assert.deepEqual(names(await everything(paging, 1)), all);
        await refused(groups.getChildGroupsByGroupId(NOBODY), 404);
    });
    await groups.delete(own.id);
}

async function checkDeletion(checks, users, groups) {
    await checks.that('groups.delete leaves its users and child groups, and the groups of the system', async () => {
        await done(groups.delete(SOAP));
        await refused(groups.getById(SOAP), 404);
        await refused(groups.delete(SOAP), 404);
        has(await groups.getByName(TECHNICIANS), { childGroupCount: 0 });
        has(await users.getById(MARLA.id), { username: 'msinger' });
        await refused(groups.delete((await groups.getByName('Everyone')).id), 403, {
            message: 'System groups cannot be deleted',
        });
        await done(groups.delete(TECHNICIANS));
        for (const { id } of ALL) {
            await done(users.delete(id));
        }
    });
}
