// Makes clients of the package, as its users do.
import contensis from 'contensis-management-api';

export const CLASSIC = 'contensis_classic';
export const REFRESH = 'contensis_classic_refresh_token';
export const CREDENTIALS = 'client_credentials';

/** A client that signs in with a password. */
export function byPassword(rootUrl, username, password, more) {
    return client(rootUrl, CLASSIC, { username, password }, more);
}

/** A client that signs in with an API key. */
export function byKey(rootUrl, clientId, clientSecret, more) {
    return client(rootUrl, CREDENTIALS, { clientId, clientSecret }, more);
}

/** A client that goes on from where another one signed in. */
export function byRefreshToken(rootUrl, refreshToken, more) {
    return client(rootUrl, REFRESH, { refreshToken }, more);
}

export function client(rootUrl, clientType, clientDetails, more = {}) {
    return contensis.UniversalClient.create({ rootUrl, clientType, clientDetails, ...more });
}

/** Goes into a client as its `fetchFn`, passes everything on, and keeps what went over the wire. */
export class Wire {
    answers = [];

    fetch = async (url, request) => {
        const response = await fetch(url, request);
        const { status, headers, redirected } = response;
        this.answers.push({ url: `${url}`, request, status, headers, redirected, body: await response.clone().text() });
        return response;
    };

    /** The requests for a token so far, with what was asked and what was answered. */
    tokens() {
        return this.answers.filter(({ url }) => url.endsWith('/authenticate/connect/token'))
            .map(({ request, body, ...rest }) => ({
                ...rest,
                asked: Object.fromEntries(new URLSearchParams(request.body)),
                answered: JSON.parse(body),
            }));
    }
}

const RealDate = Date;

/** The time as this process sees it. The server has its own, so only the client's idea of what is expired changes. */
export const clock = {
    /** Stops it at this moment. */
    stopAt(milliseconds) {
        globalThis.Date = class extends RealDate {
            constructor(...values) {
                super(...(values.length > 0 ? values : [milliseconds]));
            }

            static now() {
                return milliseconds;
            }
        };
    },

    goOn() {
        globalThis.Date = RealDate;
    },
};
