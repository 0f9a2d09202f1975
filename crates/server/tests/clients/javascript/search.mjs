// The ways to search: a word, an order, ZenQL and the package's own queries.
import assert from 'node:assert/strict';
import contensis from 'contensis-management-api';

import { names, paged, refused } from './checks.mjs';
import { ALL, MARLA, SOAP, SOAP_NAME, TECHNICIANS, TYLER } from './people.mjs';

const { Op, OrderBy, Query } = contensis;

/** `configured` makes a client of the same kind with default headers, which the package puts into the query of a search. */
export async function checkSearch(checks, { users, groups }, configured) {
    for (const person of ALL) {
        await users.create({ ...person, custom: { club: person === MARLA ? 'Tea' : 'Fight' } });
    }
    await groups.create({ id: SOAP, name: SOAP_NAME });
    const technicians = await groups.create({ name: TECHNICIANS });
    await groups.addChildGroup(SOAP, technicians.id);
    await groups.addUsers(SOAP, [TYLER.id, MARLA.id]);
    await checkUsers(checks, users, configured);
    await checkGroups(checks, users, groups);
    await groups.delete(technicians.id);
    await groups.delete(SOAP);
    for (const { id } of ALL) {
        await users.delete(id);
    }
}

async function checkUsers(checks, users, configured) {
    const listed = async (options) => names((await users.list(options)).items);
    await checks.that('users.list takes a word, an order and ZenQL, alone and together', async () => {
        assert.deepEqual(await listed({ q: 'DURDEN' }), ['tdurden']);
        assert.deepEqual(await listed({ q: 'marla singer' }), ['msinger']);
        const backwards = ALL.map((user) => user.username).sort().reverse();
        assert.deepEqual(await listed({ q: 'fightclub', order: ['-username'] }), backwards);
        assert.deepEqual(await listed({ zenQL: 'firstName~ar AND custom.club="Tea"' }), ['msinger']);
        const both = { q: 'fightclub', zenQL: 'username STARTSWITH "r"', order: ['lastName', '-username'] };
        assert.deepEqual(await listed(both), ['rchesler', 'rpaulson']);
        paged(await users.list({ ...both, pageOptions: { pageIndex: 1, pageSize: 1 } }), { pageIndex: 1, totalCount: 2 });
        await refused(users.list({ order: ['soap'] }), 400);
        const broken = await users.list({ zenQL: 'username =' }).catch((error) => error);
        assert.deepEqual([broken.status, broken.data.message], [400, 'The ZenQL query is not valid']);
    });
    const found = async (...where) => {
        const query = new Query(...where);
        query.orderBy = OrderBy.asc('username');
        return names((await users.search(query)).items);
    };
    await checks.that('users.search understands every operator of the package', async () => {
        const ours = Op.endsWith('email', '@fightclub.com');
        const all = ALL.map((user) => user.username).sort();
        assert.deepEqual(await found(ours), all);
        assert.deepEqual(await found(Op.equalTo('username', 'tdurden')), ['tdurden']);
        assert.deepEqual(await found(Op.contains('Email', 'SINGER')), ['msinger']);
        assert.deepEqual(await found(ours, Op.startsWith('username', 'r')), ['rchesler', 'rpaulson']);
        assert.deepEqual(await found(Op.in('username', 'aface', 'msinger', 'nobody')), ['aface', 'msinger']);
        assert.deepEqual(await found(ours, Op.not(Op.equalTo('custom.club', 'Fight'))), ['msinger']);
        const either = Op.or(Op.equalTo('username', 'aface'), Op.and(ours, Op.equalTo('lastName', 'Durden')));
        assert.deepEqual(await found(either), ['aface', 'tdurden']);
        assert.deepEqual(await found(ours, Op.exists('firstName', true)), all);
        assert.deepEqual(await found(ours, Op.exists('lastLogin', true)), []);
        assert.deepEqual(await found(Op.freeText('lastName', 'paulson')), ['rpaulson']);
        assert.deepEqual(await found(ours, Op.equalTo('status.suspended', false)), all);
        assert.deepEqual(await found(ours, Op.greaterThan('created', '2020-01-01')), all);
        assert.deepEqual(await found(ours, Op.lessThanOrEqualTo('created', '2020-01-01')), []);
        assert.deepEqual(await found(ours, Op.between('created', '2020-01-01', '2999-01-01')), all);
        assert.deepEqual(await found(ours, Op.greaterThanOrEqualTo('failedLoginAttempts', 1)), []);
        assert.deepEqual(await found(ours, Op.lessThan('failedLoginAttempts', 1)), all);
        await refused(users.search(new Query(Op.distanceWithin('email', 1, 1, 1))), 400);
    });
    await checks.that('users.search pages, sorts in three ways, and answers a search for nothing with everybody', async () => {
        const query = new Query(Op.endsWith('email', '@fightclub.com'));
        query.pageSize = 2;
        query.pageIndex = 2;
        query.orderBy = OrderBy.desc('username');
        const page = paged(await users.search(query), { pageIndex: 2, pageSize: 2, totalCount: 5, pageCount: 3 });
        assert.deepEqual(names(page), ['aface']);
        for (const orderBy of ['-username', ['-username', 'email']]) {
            query.orderBy = orderBy;
            assert.deepEqual((await users.search(query)).items, page);
        }
        const { totalCount } = await users.list();
        assert.equal((await users.search(new Query())).totalCount, totalCount);
        assert.equal((await users.search({})).totalCount, totalCount);
        const { security } = configured({ defaultHeaders: { 'x-house': 'Paper Street' } });
        assert.equal((await security.users.search(new Query())).totalCount, totalCount);
    });
}

async function checkGroups(checks, users, groups) {
    const listed = async (options) => names((await groups.list(options)).items);
    await checks.that('groups.list takes a word, an order and ZenQL, alone and together', async () => {
        assert.deepEqual(await listed({ q: 'soap' }), [SOAP_NAME]);
        assert.deepEqual(await listed({ zenQL: 'userCount >= 2 AND type = contensis' }), [SOAP_NAME]);
        const both = { zenQL: 'type = contensis', order: ['type', '-name'] };
        assert.deepEqual(await listed(both), [SOAP_NAME, TECHNICIANS]);
        assert.deepEqual(await listed({ ...both, q: 'lipo' }), [TECHNICIANS]);
        await refused(groups.list({ order: ['soap'] }), 400);
    });
    await checks.that('the members, the child groups and the groups of a user can be searched alike', async () => {
        const members = async (options) => names((await groups.getUsersByGroupId(SOAP, options)).items);
        assert.deepEqual(await members({ order: ['-username'] }), ['tdurden', 'msinger']);
        assert.deepEqual(await members({ zenQL: 'lastName = Durden' }), ['tdurden']);
        assert.deepEqual(await members({ q: 'marla', includeInherited: true }), ['msinger']);
        const children = async (options) => names((await groups.getChildGroupsByGroupName(SOAP_NAME, options)).items);
        assert.deepEqual(await children({ includeSelf: true, order: ['-name'] }), [SOAP_NAME, TECHNICIANS]);
        assert.deepEqual(await children({ includeSelf: true, zenQL: 'name ~ soap' }), [SOAP_NAME]);
        assert.deepEqual(await children({ q: 'soap' }), []);
        const own = await users.getUserGroups({ userId: TYLER.id, includeInherited: true, order: ['-name'] });
        assert.deepEqual(names(own.items), [SOAP_NAME, 'Everyone', 'CMS Editors']);
    });
}
