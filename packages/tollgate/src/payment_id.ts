/** The name of a purchase: 32 bytes, base58 in texts. */
import { type Address, getBase58Decoder, getBase58Encoder } from "@solana/kit";

import type { Addresses } from "./addresses.js";

const BYTES = 32;
/** The bump with which the program finds an intent's address at the least cost. */
const CHEAPEST_BUMP = 255;
/** How many candidates are looked at, at most; about every second one is the cheapest kind. */
const MOST_CANDIDATES = 32;

/** The same id never takes money twice from the same payer. */
export class PaymentId {
  /** @param bytes exactly 32 */
  constructor(readonly bytes: Uint8Array) {
    if (bytes.length !== BYTES) throw new RangeError(`a payment id has ${BYTES} bytes`);
  }

  /** Reads base58. */
  static parse(text: string): PaymentId {
    return new PaymentId(new Uint8Array(getBase58Encoder().encode(text)));
  }

  /** An id that nobody used: 32 random bytes. */
  static random(): PaymentId {
    return new PaymentId(crypto.getRandomValues(new Uint8Array(BYTES)));
  }

  /** Base58. */
  toString(): string {
    return getBase58Decoder().decode(this.bytes);
  }
}

/**
 * The first of `candidates` whose intent is cheapest to create, or the last one
 * looked at: the program counts a bump down from 255, 1,500 compute units a step.
 * For purchases without a 402; the ids that a 402 proposes are chosen so already.
 *
 * @param author the payer at list price, the merchant account for a quote
 * @param candidate is asked for numbers counting up from 0
 */
export async function cheapestPaymentId(
  addresses: Addresses,
  merchant: Address,
  author: Address,
  candidate: (number: number) => PaymentId = () => PaymentId.random(),
): Promise<PaymentId> {
  for (let number = 0; ; number += 1) {
    const id = candidate(number);
    if (number + 1 >= MOST_CANDIDATES) return id;
    const [, bump] = await addresses.intentWithBump(merchant, author, id);
    if (bump === CHEAPEST_BUMP) return id;
  }
}
