// Says what was checked, a line for each, and compares what came with what was expected.
import assert from 'node:assert/strict';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Runs the checks one after the other, since many go on from what the one before left. */
export class Checks {
    #passed = 0;
    #failed = 0;
    #place = 'client';

    /** What the checks from here on are about. */
    about(place) {
        this.#place = place;
    }

    async that(name, work) {
        const place = this.#place;
        try {
            await work();
            this.#passed += 1;
            console.log(`ok ${place}: ${name}`);
        } catch (error) {
            this.#failed += 1;
            console.log(`not ok ${place}: ${name}: ${told(error)}`);
        }
    }

    /** Prints the sum, and says how the process is to end. */
    end() {
        const all = this.#passed + this.#failed;
        console.log(this.#failed === 0 ? `ok ${all} checks` : `failed ${this.#failed} of ${all} checks`);
        return this.#failed === 0 ? 0 : 1;
    }
}

// In one line, with the place in the checks. The client rejects with plain objects too, which have no place.
function told(error) {
    if (!(error instanceof Error)) {
        return JSON.stringify(error);
    }
    const places = (error.stack ?? '').match(/\w+\.mjs:\d+/g) ?? [];
    const place = places.find((one) => !one.startsWith('checks.')) ?? 'somewhere';
    return `${error.name}: ${error.message.replace(/\s+/g, ' ')} (${place})`;
}

/** What a promise is rejected with. */
async function rejection(promise) {
    let value;
    try {
        value = await promise;
    } catch (error) {
        return error;
    }
    assert.fail(`it was not refused: ${JSON.stringify(value)}`);
}

/** The API refuses with this status; `expected` are properties of the error. Says the error. */
export async function refused(promise, status, expected = {}) {
    const error = await rejection(promise);
    assert.equal(error.status, status, told(error));
    assert.equal(typeof error.url, 'string', told(error));
    assert.match(error.data.logId, UUID, told(error));
    assert.ok(error.data.message, told(error));
    has(error.data, { type: 'Error', data: null, ...expected });
    return error.data;
}

/** The API finds exactly these fields invalid. */
export async function invalid(promise, ...fields) {
    const error = await rejection(promise);
    assert.equal(error.status, 422, told(error));
    assert.equal(error.data.type, 'Validation', told(error));
    assert.deepEqual(error.data.data.map((fault) => fault.field), fields, told(error));
    assert.ok(error.data.data.every((fault) => fault.message), told(error));
}

/** The API takes the token for no good. */
export async function unauthorised(promise) {
    const error = await rejection(promise);
    assert.equal(error.status, 401, told(error));
    assert.deepEqual(error.data, { message: 'Authorization has been denied for this request.' });
}

/** No token is issued, for this reason. */
export async function unauthenticated(promise, reason) {
    const error = await rejection(promise);
    assert.equal(error.name, 'ContensisAuthenticationError', told(error));
    assert.equal(error.message, reason);
}

/** It has these properties with these values; others do not count. */
export function has(actual, expected) {
    const named = Object.keys(expected).map((key) => [key, actual[key]]);
    assert.deepEqual(Object.fromEntries(named), expected);
}

/** The call worked and came back without a body, which the client makes into an empty object. */
export async function done(promise) {
    assert.deepEqual(await promise, {});
}

/** It is a page with these numbers. Says its items. */
export function paged(page, expected) {
    assert.deepEqual(Object.keys(page).sort(), ['items', 'pageCount', 'pageIndex', 'pageSize', 'totalCount']);
    has(page, expected);
    assert.equal(page.pageCount, Math.ceil(page.totalCount / page.pageSize));
    return page.items;
}

/** All pages of a listing, so many to a page. */
export async function everything(list, pageSize) {
    const items = [];
    for (let pageIndex = 0, pageCount = 1; pageIndex < pageCount; pageIndex += 1) {
        const page = await list({ pageOptions: { pageIndex, pageSize } });
        items.push(...paged(page, { pageIndex, pageSize }));
        pageCount = page.pageCount;
        assert.equal(items.length, Math.min(page.totalCount, (pageIndex + 1) * pageSize));
    }
    return items;
}

/** A moment as the API writes it. */
export function isMoment(value) {
    assert.match(value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
}

export function isUuid(value) {
    assert.match(value, UUID);
}

export const names = (items) => items.map((item) => item.name ?? item.username);
