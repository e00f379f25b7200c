// What every script here begins and ends with.
import { createKeyPairSignerFromBytes } from "@solana/kit";

/** What the test asks for. */
export const task = JSON.parse(process.env.TOLLGATE_INTEROP);

/** The customer's key. */
export const signer = await createKeyPairSignerFromBytes(new Uint8Array(task.secretKey));

/** A fetch that counts its requests. */
export function counted() {
  const fetch = (...parameters) => {
    fetch.requests += 1;
    return globalThis.fetch(...parameters);
  };
  fetch.requests = 0;
  return fetch;
}

/** One visit: what came of it, and how many requests it took. */
export async function visit(fetch, counter, url = task.url) {
  const before = counter.requests;
  try {
    const response = await fetch(url);
    const body = await response.text();
    const headers = Object.fromEntries(response.headers);
    return { status: response.status, body, headers, requests: counter.requests - before };
  } catch (error) {
    return { error: error.message, requests: counter.requests - before };
  }
}

/** What the test reads. */
export function say(value) {
  console.log(JSON.stringify(value));
}
