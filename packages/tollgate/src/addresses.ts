/** Where accounts live: the program's seeds, as in the Rust client's `Addresses`. */
import {
  type Address,
  address,
  getAddressEncoder,
  getProgramDerivedAddress,
  getUtf8Encoder,
} from "@solana/kit";

import { TOLLGATE_PROGRAM_ADDRESS } from "./generated/index.js";
import type { PaymentId } from "./payment_id.js";

/** SPL Token; the program takes no other. */
export const TOKEN_PROGRAM = address("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const TOKEN_ACCOUNT_PROGRAM = address("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/** Most bytes of a slug. */
const SLUG_BYTES = 32;

const key = getAddressEncoder();
const text = getUtf8Encoder();

/** Derives the addresses of one deployment. */
export class Addresses {
  /** @param program the deployed program; by default the published one */
  constructor(readonly program: Address = TOLLGATE_PROGRAM_ADDRESS) {}

  /** The merchant that `owner` created. */
  merchant(owner: Address): Promise<Address> {
    return this.#derive("merchant", key.encode(owner));
  }

  /** A product of `merchant` (the account's address) by its slug. */
  product(merchant: Address, slug: string): Promise<Address> {
    const name = text.encode(slug);
    if (name.length === 0 || name.length > SLUG_BYTES) {
      throw new RangeError(`a slug has 1 to ${SLUG_BYTES} bytes`);
    }
    const padded = new Uint8Array(SLUG_BYTES);
    padded.set(name);
    return this.#derive("product", key.encode(merchant), padded);
  }

  /** A payment intent; `author` is the payer at list price, the merchant account for a quote. */
  async intent(merchant: Address, author: Address, paymentId: PaymentId): Promise<Address> {
    const [address] = await this.intentWithBump(merchant, author, paymentId);
    return address;
  }

  /** An intent's address with its bump; 255 is the cheapest to create. */
  intentWithBump(
    merchant: Address,
    author: Address,
    paymentId: PaymentId,
  ): Promise<readonly [Address, number]> {
    return this.#deriveWithBump("intent", key.encode(merchant), key.encode(author), paymentId.bytes);
  }

  /** What `beneficiary` holds of `product`. */
  entitlement(product: Address, beneficiary: Address): Promise<Address> {
    return this.#derive("entitlement", key.encode(product), key.encode(beneficiary));
  }

  /** The vault of `merchant` (the account's address) for `mint`. */
  vault(merchant: Address, mint: Address): Promise<Address> {
    return tokenAccount(merchant, mint);
  }

  async #derive(...seeds: Seeds): Promise<Address> {
    const [address] = await this.#deriveWithBump(...seeds);
    return address;
  }

  #deriveWithBump(...seeds: Seeds): Promise<readonly [Address, number]> {
    return getProgramDerivedAddress({ programAddress: this.program, seeds });
  }
}

type Seeds = Parameters<typeof getProgramDerivedAddress>[0]["seeds"];

/** The associated token account of `owner` for an SPL Token mint. */
export async function tokenAccount(owner: Address, mint: Address): Promise<Address> {
  const seeds = [owner, TOKEN_PROGRAM, mint].map((part) => key.encode(part));
  const [address] = await getProgramDerivedAddress({
    programAddress: TOKEN_ACCOUNT_PROGRAM,
    seeds,
  });
  return address;
}
