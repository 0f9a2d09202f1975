// Verifies requests that a webhook was sent, as a receiver does with the library of Standard Webhooks.
//
//   node webhook.mjs SECRET REQUESTS
//
// REQUESTS is a JSON array of objects with `headers`, `body` and `valid`, which says whether the library has to accept it.
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const [secret, requests] = process.argv.slice(2);
const webhook = new Webhook(secret);
let checks = 0;
for (const { headers, body, valid } of JSON.parse(requests)) {
  let accepted = true;
  try {
    if (JSON.stringify(webhook.verify(body, headers)) !== JSON.stringify(JSON.parse(body))) {
      throw new Error(`another event: ${body}`);
    }
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    accepted = false;
  }
  if (accepted !== valid) throw new Error(`${accepted ? "accepted" : "refused"}: ${JSON.stringify(headers)} ${body}`);
  checks += 1;
}
console.log(`ok ${checks}`);
