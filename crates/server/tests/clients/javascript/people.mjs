// The users and groups of the checks.

export const PASSWORD = 'F1ghtC1ub1234!';
export const SOAP = '6254736c-70e1-43b0-b769-f8e0f6359862';
export const SOAP_NAME = 'Paper Street Soap Company';
export const TECHNICIANS = 'Liposuction Technicians';
export const NOBODY = '00000000-0000-4000-8000-000000000000';

const person = (id, username, firstName, lastName) => ({
    id, username, email: `${username[0]}.${username.slice(1)}@fightclub.com`, firstName, lastName,
    credentials: { password: PASSWORD },
});

export const TYLER = person('75490b0f-56f7-4690-a20a-6f2a822f1d3f', 'tdurden', 'Tyler', 'Durden');
export const MARLA = person('20b5e923-beb8-44ab-8bb4-34467582230f', 'msinger', 'Marla', 'Singer');
export const ROBERT = person('13f8cd48-7765-47b7-9fa3-2ad9c935a4be', 'rpaulson', 'Robert', 'Paulson');
export const ANGEL = person('3c3d98a1-c80a-49d1-b602-f38ad2b01af8', 'aface', 'Angel', 'Face');
export const RICHARD = person('11f5ce76-ca86-45d8-9928-d7fd56863ec7', 'rchesler', 'Richard', 'Chesler');
export const ALL = [TYLER, MARLA, ROBERT, ANGEL, RICHARD];

/** Takes away what checks before these left. */
export async function sweep({ users, groups }) {
    const gone = (error) => {
        if (error.status !== 404) {
            throw error;
        }
    };
    for (const { id } of ALL) {
        await users.delete(id).catch(gone);
    }
    for (const name of [SOAP, SOAP_NAME, TECHNICIANS, 'Lye']) {
        await groups.delete(name).catch(gone);
    }
}
