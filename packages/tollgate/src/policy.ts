/** What may be spent. The stock client's `spendControls` are obeyed besides. */
import type { Address } from "@solana/kit";

import { PaymentError } from "./errors.js";

/** A sum in dollars, as in `"$0.10"`. */
export type Dollars = `$${string}`;

/** Limits for one asset that is no dollar stablecoin, in its smallest unit. */
export interface AllowedAsset {
  readonly asset: string;
  readonly maxAmountPerPayment: bigint;
  /** Without it: no limit in all. */
  readonly maxAmountInTotal?: bigint;
}

/** What one scheme object may spend. Totals are counted from its construction on. */
export interface SpendingPolicy {
  /** Most for one payment in USDC; `"$1"` unless given, as in the stock client. `false`: no limit. */
  readonly maxAmountPerPayment?: Dollars | false;
  /** Most for all payments in USDC; no limit unless given. */
  readonly maxAmountInTotal?: Dollars | false;
  /** Other assets that may be paid with. */
  readonly allowedAssets?: readonly AllowedAsset[];
}

/** An asset by which the stock client counts dollars. */
export interface DefaultAsset {
  asset: string;
  decimals: number;
  symbol: string;
}

const MAINNET = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
const DEVNET = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
const TESTNET = "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z";
const TEST_USDC = "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU";
const USDC = new Map([
  [MAINNET, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"],
  [DEVNET, TEST_USDC],
  [TESTNET, TEST_USDC],
]);
const USDC_DECIMALS = 6;
const DEFAULT_MAX_PER_PAYMENT: Dollars = "$1";

/** USDC on the public clusters. */
export function findDefaultAsset(asset: string, network: string): DefaultAsset | undefined {
  if (USDC.get(network) !== asset) return undefined;
  return { asset, decimals: USDC_DECIMALS, symbol: "USDC" };
}

interface Limits {
  readonly perPayment: bigint | undefined;
  readonly total: bigint | undefined;
}

/** Applies a policy and keeps count. */
export class Purse {
  readonly #dollars: Limits;
  readonly #others: ReadonlyMap<string, Limits>;
  readonly #spent = new Map<string, bigint>();

  constructor(policy: SpendingPolicy = {}) {
    this.#dollars = {
      perPayment: units(policy.maxAmountPerPayment ?? DEFAULT_MAX_PER_PAYMENT),
      total: units(policy.maxAmountInTotal ?? false),
    };
    this.#others = new Map(
      (policy.allowedAssets ?? []).map(({ asset, maxAmountPerPayment, maxAmountInTotal }) => [
        asset,
        { perPayment: maxAmountPerPayment, total: maxAmountInTotal },
      ]),
    );
  }

  /**
   * Sets `amount` aside.
   *
   * @param clientCap the stock client's own limit in the asset's smallest unit
   * @returns gives it back, for a payment that did not come about
   * @throws {PaymentError} `policy_refused`
   */
  reserve(asset: Address, network: string, amount: bigint, clientCap?: string): () => void {
    const isDollar = findDefaultAsset(asset, network) !== undefined;
    const limits = this.#others.get(asset) ?? (isDollar ? this.#dollars : undefined);
    if (!limits) throw refused(`${asset} is not among the allowed assets`);
    const caps = [limits.perPayment, clientCap === undefined ? undefined : BigInt(clientCap)];
    for (const cap of caps) {
      if (cap !== undefined && amount > cap) {
        throw refused(`the price is ${amount}, a payment may cost ${cap}`);
      }
    }
    const spent = this.#spent.get(asset) ?? 0n;
    if (limits.total !== undefined && spent + amount > limits.total) {
      throw refused(`the price is ${amount}, of ${limits.total} in all ${spent} are spent`);
    }
    this.#spent.set(asset, spent + amount);
    return () => this.#spent.set(asset, (this.#spent.get(asset) ?? 0n) - amount);
  }
}

function units(dollars: Dollars | false): bigint | undefined {
  if (dollars === false) return undefined;
  const [, whole, part = ""] = /^\$(\d{1,12})(?:\.(\d{1,6}))?$/.exec(dollars) ?? [];
  if (whole === undefined) throw new RangeError(`not a sum in dollars: ${dollars}`);
  return BigInt(whole + part.padEnd(USDC_DECIMALS, "0"));
}

function refused(detail: string): PaymentError {
  return new PaymentError("policy_refused", detail);
}
