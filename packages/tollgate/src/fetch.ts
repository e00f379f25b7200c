/**
 * A `fetch` that says who asks: with the session of an earlier sign-in, or by signing
 * in where a 402 invites to. It never pays. Put under the stock wrapper, it makes the
 * server name the payment id of this very caller before anything is paid, and shows
 * the server afterwards who it was that paid.
 */
import type { MessagePartialSigner } from "@solana/kit";

import {
  type Challenge,
  SCHEME,
  SIGN_IN,
  decodeJson,
  isRecord,
  readChallenge,
  signInOf,
} from "./challenge.js";
import { Sessions } from "./sessions.js";
import { signInHeader } from "./sign_in.js";

/** How often a server that has not seen the payment yet is asked again. */
const ATTEMPTS = 8;
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 2_000;
/** How the problem types of Tollgate's own refusals begin. */
const PROBLEM = "urn:tollgate:problem:";
const SESSION = "tollgate-session";
const PAYMENT = "payment-signature";

/** @param fetch what the requests go through */
export function signedFetch(
  signer: MessagePartialSigner,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  const caller = new Caller(signer, fetch);
  return (input, init) => caller.fetch(new Request(input, init));
}

class Caller {
  readonly #signer: MessagePartialSigner;
  readonly #fetch: typeof globalThis.fetch;
  readonly #sessions = new Sessions();

  constructor(signer: MessagePartialSigner, fetch: typeof globalThis.fetch) {
    this.#signer = signer;
    this.#fetch = fetch;
  }

  async fetch(request: Request): Promise<Response> {
    const payment = ownPayment(request.headers.get(PAYMENT));
    if (payment) return this.#afterPayment(request, payment);
    const isProved = ["authorization", SIGN_IN, PAYMENT].some((name) => request.headers.has(name));
    if (isProved) return this.#fetch(request);

    const token = this.#sessions.forUrl(request.url);
    if (token !== undefined) {
      const answer = await this.#send(request, bearer(token));
      if (answer.status !== 401) return answer;
      // It is over; the key may still be good.
      discard(answer);
      this.#sessions.forget(token);
    }
    return this.#introduce(request, await this.#send(request));
  }

  /** Follows a 402's invitation to sign in. */
  async #introduce(request: Request, answer: Response): Promise<Response> {
    const challenge = challengeOf(answer);
    if (!challenge) return answer;
    const signed = await this.#signIn(request, challenge);
    if (signed === undefined || signed.status === 401) {
      // A sign-in that is refused leaves the caller where it was: unknown.
      if (signed) discard(signed);
      return answer;
    }
    discard(answer);
    return signed;
  }

  /**
   * The request that was paid for. A server may see the payment a moment after the
   * payer does; it is asked again with a fresh challenge.
   */
  async #afterPayment(request: Request, payment: Challenge): Promise<Response> {
    let challenge: Challenge | undefined = payment;
    let pause = FIRST_PAUSE;
    for (let attempt = 1; ; attempt += 1) {
      const answer: Response =
        (challenge && (await this.#signIn(request, challenge))) ?? (await this.#send(request));
      const isFinal = answer.headers.has(SESSION) || !(await isRefusal(answer));
      if (isFinal || attempt === ATTEMPTS) return answer;
      discard(answer);
      challenge = challengeOf(answer) ?? (await this.#invitation(request));
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  /** A fresh challenge for one who shows nothing. */
  async #invitation(request: Request): Promise<Challenge | undefined> {
    const answer = await this.#send(request);
    discard(answer);
    return challengeOf(answer);
  }

  async #signIn(request: Request, challenge: Challenge): Promise<Response | undefined> {
    const product = challenge.offer?.extra?.["product"];
    const known = this.#sessions.forProduct(request.url, product);
    if (known) {
      const answer = await this.#send(request, bearer(known));
      if (answer.status !== 401) {
        this.#sessions.remember(request.url, product, known);
        return answer;
      }
      discard(answer);
      this.#sessions.forget(known);
    }
    const { network, signIn } = challenge;
    if (network === undefined) return undefined;
    const header = await signInHeader(signIn, network, this.#signer, request.url);
    if (header === undefined) return undefined;
    const answer = await this.#send(request, [SIGN_IN, header]);
    const token = answer.headers.get(SESSION);
    if (token) this.#sessions.remember(request.url, product, token);
    return answer;
  }

  /** Sends a copy, so that the request can be repeated. A payment is never sent along. */
  #send(request: Request, proof?: readonly [string, string]): Promise<Response> {
    const copy = request.clone();
    const headers = new Headers(copy.headers);
    headers.delete(PAYMENT);
    if (!proof) return this.#fetch(new Request(copy, { headers }));
    headers.set(...proof);
    // A redirect would carry the proof to whomever it leads to.
    return this.#fetch(new Request(copy, { headers, redirect: "manual" }));
  }
}

function bearer(token: string): readonly [string, string] {
  return ["authorization", `Bearer ${token}`];
}

/** An answer that nobody reads would hold its connection. */
function discard(answer: Response): void {
  answer.body?.cancel().catch(() => undefined);
}

/** The challenge behind a payment of the scheme `entitlement`. */
function ownPayment(header: string | null): Challenge | undefined {
  const payload = decodeJson(header);
  if (!isRecord(payload) || !isRecord(payload["accepted"])) return undefined;
  const { scheme, network, extra } = payload["accepted"];
  if (scheme !== SCHEME || typeof network !== "string") return undefined;
  const offer = payload["accepted"] as unknown as Challenge["offer"];
  return { offer: isRecord(extra) ? offer : undefined, network, signIn: signInOf(payload["extensions"]) };
}

function challengeOf(answer: Response): Challenge | undefined {
  if (answer.status !== 402) return undefined;
  const challenge = readChallenge(answer.headers.get("payment-required"));
  return challenge?.signIn === undefined ? undefined : challenge;
}

/** Whether Tollgate itself refused, so that nothing behind it has seen the request. */
async function isRefusal(answer: Response): Promise<boolean> {
  if (![401, 402, 503].includes(answer.status)) return false;
  const body: unknown = await answer.clone().json().catch(() => undefined);
  const type = isRecord(body) ? body["type"] : undefined;
  return typeof type === "string" && type.startsWith(PROBLEM);
}
