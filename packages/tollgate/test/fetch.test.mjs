// How the signing fetch shows who asks, and to whom it does not.
import assert from "node:assert/strict";
import { test } from "node:test";

import { signedFetch } from "../dist/index.js";
import { decode, payment, refusal, serve, signer } from "./support.mjs";

const SERVED = [200, { "tollgate-session": "tgs1_token" }, "report"];
const PROBLEM = JSON.stringify({ type: "urn:tollgate:problem:chain_unavailable" });

test("a 402 is answered by a sign-in, and the session is used from then on", async () => {
  const shop = await serve(({ url, headers }, origin) => {
    const known = headers["sign-in-with-x"] || headers.authorization === "Bearer tgs1_token";
    return known ? SERVED : refusal(origin + url);
  });
  const fetch = signedFetch(signer);
  for (let visit = 0; visit < 2; visit += 1) {
    assert.equal(await (await fetch(`${shop.origin}/report`)).text(), "report");
  }
  assert.equal(shop.seen.length, 3);
  const message = decode(shop.seen[1].headers["sign-in-with-x"]);
  assert.equal(message.address, signer.address);
  assert.equal(message.domain, new URL(shop.origin).host);
  await shop.close();
});

test("a session goes to paths of its product only", async () => {
  const shop = await serve(({ url, headers }, origin) => {
    const product = url.slice(1).split("/")[0];
    const token = `tgs1_${product}`;
    if (headers.authorization) {
      return headers.authorization === `Bearer ${token}` ? [200] : [401];
    }
    if (headers["sign-in-with-x"]) return [200, { "tollgate-session": token }];
    return refusal(origin + url, { product });
  });
  const fetch = signedFetch(signer);
  for (const path of ["/a/1", "/b/1", "/a/2", "/b/2", "/a/1"]) {
    assert.equal((await fetch(shop.origin + path)).status, 200, path);
  }
  const refused = shop.seen.filter(({ url, headers: { authorization } }) =>
    authorization && authorization !== `Bearer tgs1_${url[1]}`);
  assert.deepEqual(refused, []);
  const signed = shop.seen.filter(({ headers }) => headers["sign-in-with-x"]);
  assert.equal(signed.length, 2);
  await shop.close();
});

test("nothing is signed for another service", async () => {
  const shop = await serve(({ url }, origin) => refusal(origin + url, { domain: "other.example" }));
  const response = await signedFetch(signer)(`${shop.origin}/report`);
  assert.equal(response.status, 402);
  assert.equal(shop.seen.length, 1);
  await shop.close();
});

test("nothing with a line break is signed", async () => {
  const shop = await serve(({ url }, origin) => refusal(origin + url, { nonce: "0\nURI: x" }));
  assert.equal((await signedFetch(signer)(`${shop.origin}/report`)).status, 402);
  assert.equal(shop.seen.length, 1);
  await shop.close();
});

test("a redirect does not take the proof along", async () => {
  const other = await serve(() => [200]);
  const shop = await serve(({ url, headers }, origin) =>
    headers["sign-in-with-x"] ? [302, { location: `${other.origin}/` }] : refusal(origin + url));
  const response = await signedFetch(signer)(`${shop.origin}/report`);
  assert.equal(response.status, 302);
  assert.deepEqual(other.seen, []);
  await Promise.all([shop.close(), other.close()]);
});

test("a request keeps its method and its body each time", async () => {
  const shop = await serve(({ url, headers }, origin) =>
    headers["sign-in-with-x"] ? SERVED : refusal(origin + url));
  const init = { method: "POST", body: "lemons", headers: { "x-kind": "sour" } };
  const response = await signedFetch(signer)(`${shop.origin}/orders`, init);
  assert.equal(response.status, 200);
  for (const { method, body, headers } of shop.seen) {
    assert.deepEqual([method, body, headers["x-kind"]], ["POST", "lemons", "sour"]);
  }
  assert.equal(shop.seen.length, 2);
  await shop.close();
});

test("after a payment the server is asked until it has seen it", async () => {
  let signed = 0;
  const shop = await serve(({ url, headers }, origin) => {
    if (!headers["sign-in-with-x"]) return refusal(origin + url);
    signed += 1;
    return [refusal(origin + url), [503, {}, PROBLEM], SERVED][signed - 1];
  });
  const url = `${shop.origin}/report`;
  const headers = { "payment-signature": payment(url) };
  const response = await signedFetch(signer)(url, { headers });
  assert.equal(await response.text(), "report");
  assert.equal(signed, 3);
  assert.ok(shop.seen.every(({ headers }) => !headers["payment-signature"]));
  await shop.close();
});

test("what the server behind says after a payment is not asked again", async () => {
  const shop = await serve(() => [503, {}, "busy"]);
  const url = `${shop.origin}/orders`;
  const headers = { "payment-signature": payment(url) };
  const response = await signedFetch(signer)(url, { method: "POST", body: "lemons", headers });
  assert.equal(response.status, 503);
  assert.equal(shop.seen.length, 1);
  await shop.close();
});

test("payments of other schemes and the caller's own proofs pass through", async () => {
  const shop = await serve(({ url }, origin) => refusal(origin + url));
  const url = `${shop.origin}/report`;
  const own = [
    { "payment-signature": payment(url, "exact") },
    { authorization: "Bearer mine" },
    { "sign-in-with-x": "mine" },
  ];
  for (const headers of own) {
    const response = await signedFetch(signer)(url, { headers });
    assert.equal(response.status, 402);
    const [name, value] = Object.entries(headers)[0];
    assert.equal(shop.seen.at(-1).headers[name], value);
  }
  assert.equal(shop.seen.length, own.length);
  await shop.close();
});
