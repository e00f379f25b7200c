// A server that a test scripts, on the loopback address.
import { createServer } from "node:http";

import { generateKeyPairSigner } from "@solana/kit";

export const signer = await generateKeyPairSigner();
export const NETWORK = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";

/** Answers with `script(request, body, origin)`: `[status, headers, body]`. */
export async function serve(script) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body });
    const [status, fields = {}, text = ""] = script({ method, url, headers, body }, origin);
    response.writeHead(status, fields).end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    seen,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

/** A header's base64 of JSON. */
export const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64");
export const decode = (text) => JSON.parse(Buffer.from(text, "base64").toString());

export const offer = (product = "product") => ({
  scheme: "entitlement",
  network: NETWORK,
  amount: "10000",
  asset: "mint",
  payTo: "merchant",
  extra: { product },
});

/** Tollgate's 402 for the resource at `url`. */
export function refusal(url, { product, nonce = "0".repeat(32), domain = new URL(url).host } = {}) {
  const info = {
    domain,
    uri: url,
    version: "1",
    nonce,
    issuedAt: "2026-01-01T00:00:00Z",
    statement: "Sign in.",
  };
  const required = {
    x402Version: 2,
    accepts: [offer(product)],
    extensions: { "sign-in-with-x": { info } },
  };
  const body = JSON.stringify({ type: "urn:tollgate:problem:payment_required" });
  return [402, { "payment-required": encode(required) }, body];
}

/** The header that the stock client sends after our scheme has paid. */
export function payment(url, scheme = "entitlement") {
  const info = decode(refusal(url)[1]["payment-required"]).extensions;
  return encode({ x402Version: 2, accepted: { ...offer(), scheme }, payload: {}, extensions: info });
}
