/**
 * What was signed, noted before it is sent: whoever starts again afterwards knows
 * what may not be paid a second time.
 */
import type { SignedTransaction } from "./purchase.js";

/** What is known of a payment. */
export type PaymentState = "signed" | "landed" | "failed" | "expired";

/** One payment. Plain strings, so that JSON keeps it. */
export interface JournalEntry {
  readonly state: PaymentState;
  /** Base58. */
  readonly paymentId: string;
  /** The key that pays. */
  readonly payer: string;
  /** The product account. */
  readonly product: string;
  /** The intent account: it stands if the payment landed, also when no server remembers the transaction. */
  readonly intent: string;
  /** The mint. */
  readonly mint: string;
  /** In the mint's smallest unit, decimal. */
  readonly amount: string;
  /** The transaction's signature. */
  readonly signature: string;
  /** The signed transaction, base64. */
  readonly transaction: string;
  /** The last block height at which it can land, decimal. */
  readonly lastValidBlockHeight: string;
}

/** Where payments are noted. One journal serves one process. */
export interface Journal {
  /** The payment of `payer` for `product` whose fate is not known. */
  unfinished(payer: string, product: string): Promise<JournalEntry | undefined>;
  /** Notes a signed payment. Nothing is sent before this has succeeded. */
  begin(entry: JournalEntry): Promise<void>;
  /** Notes its fate. */
  finish(entry: JournalEntry, state: PaymentState): Promise<void>;
}

/** Forgets with the process; see `tollgate-client/node` for one that does not. */
export class MemoryJournal implements Journal {
  readonly #open = new Map<string, JournalEntry>();

  async unfinished(payer: string, product: string): Promise<JournalEntry | undefined> {
    return [...this.#open.values()].find(
      (entry) => entry.payer === payer && entry.product === product,
    );
  }

  async begin(entry: JournalEntry): Promise<void> {
    this.#open.set(entry.paymentId, entry);
  }

  async finish(entry: JournalEntry): Promise<void> {
    this.#open.delete(entry.paymentId);
  }
}

/** The transaction of an entry. */
export function signedTransactionOf(entry: JournalEntry): SignedTransaction {
  return {
    signature: entry.signature as SignedTransaction["signature"],
    transaction: entry.transaction as SignedTransaction["transaction"],
    lastValidBlockHeight: BigInt(entry.lastValidBlockHeight),
  };
}
