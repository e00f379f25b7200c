/**
 * The x402 scheme `entitlement` for the stock client: one transaction that creates the
 * payment intent and pays it, sent and followed by the payer itself, who thereby holds
 * an entitlement on chain. Nothing is trusted but the chain: the program refuses terms
 * other than those that were offered, and a second payment under the same id.
 */
import {
  type Address,
  type MessagePartialSigner,
  type TransactionPartialSigner,
  createSolanaRpc,
} from "@solana/kit";

import { Addresses } from "./addresses.js";
import { CALL_MILLISECONDS, type SolanaRpc, isPaid, readPurchase, wasPaid } from "./chain.js";
import { type Offer, type Requirements, SCHEME, readOffer } from "./challenge.js";
import { PaymentError } from "./errors.js";
import { signedFetch } from "./fetch.js";
import {
  type Journal,
  type JournalEntry,
  MemoryJournal,
  signedTransactionOf,
} from "./journal.js";
import { type DefaultAsset, Purse, type SpendingPolicy, findDefaultAsset } from "./policy.js";
import { signPurchase } from "./purchase.js";
import { DEFAULT_LIMITS, type SubmitLimits, simulate, submit } from "./submit.js";

/** How long the intent may be paid; it only has to outlast the transaction's blockhash. */
const INTENT_LIFETIME_SECONDS = 600n;
/** A CAIP-2 reference is this much of the genesis hash. */
const REFERENCE_LENGTH = 32;

/** Pays and signs in, as the key pairs of `@solana/kit` do. */
export type PayingSigner = TransactionPartialSigner & MessagePartialSigner;

/** How a scheme object works. */
export interface EntitlementOptions {
  /** JSON-RPC of the cluster, as this client sees it: the server's word alone is not enough. */
  readonly rpcUrl: string;
  /** What may be spent. */
  readonly spending?: SpendingPolicy;
  /** Where payments are noted before they are sent; in memory unless given. */
  readonly journal?: Journal;
  /** How long and how often a payment's fate is asked for. */
  readonly limits?: SubmitLimits;
  /** Price of a compute unit in millionths of a lamport; 0 unless given. */
  readonly unitPrice?: bigint;
  /** The deployed program; the published one unless given. */
  readonly program?: Address;
  /** What requests go through; the global one unless given. */
  readonly fetch?: typeof globalThis.fetch;
}

/** What the stock client gets for its payment. */
export interface EntitlementPayload {
  x402Version: number;
  payload: {
    /** Base58. */
    paymentId: string;
    payer: string;
    /** The transaction's signature; absent where nothing had to be paid. */
    transaction?: string;
  };
}

/**
 * For `x402Client.register("solana:*", scheme)`. The requests have to go through
 * {@link EntitlementScheme.fetch}.
 */
export class EntitlementScheme {
  readonly scheme = SCHEME;
  /** A `fetch` that signs in, with sessions; for `wrapFetchWithPayment`. */
  readonly fetch: typeof globalThis.fetch;
  /** USDC, so that the stock client's `spendControls` apply. */
  readonly findDefaultAsset: (asset: string, network: string) => DefaultAsset | undefined =
    findDefaultAsset;

  readonly #signer: PayingSigner;
  readonly #rpc: SolanaRpc;
  readonly #addresses: Addresses;
  readonly #journal: Journal;
  readonly #purse: Purse;
  readonly #limits: SubmitLimits;
  readonly #unitPrice: bigint;
  #network: Promise<string> | undefined;
  /** The purchase under way for each product. */
  readonly #underWay = new Map<Address, Promise<unknown>>();

  constructor(signer: PayingSigner, options: EntitlementOptions) {
    this.#signer = signer;
    this.#rpc = createSolanaRpc(options.rpcUrl);
    this.#addresses = new Addresses(options.program);
    this.#journal = options.journal ?? new MemoryJournal();
    this.#purse = new Purse(options.spending);
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#unitPrice = options.unitPrice ?? 0n;
    this.fetch = signedFetch(signer, options.fetch);
  }

  /**
   * Makes sure that the signer holds what is offered; pays at most once.
   *
   * @throws {PaymentError} Only `payment_unknown` leaves open whether money moved,
   *   and calling again then finds out before anything else.
   */
  async createPaymentPayload(
    x402Version: number,
    requirements: Requirements,
    context: { readonly maxAmountPerPayment?: string } = {},
  ): Promise<EntitlementPayload> {
    const offer = readOffer(requirements);
    await this.#requireSameChain(offer);
    const payment = await this.#oneAtATime(offer.product, () =>
      this.#becomeEntitled(offer, context.maxAmountPerPayment),
    );
    const payer = this.#signer.address;
    const paymentId = payment?.paymentId ?? offer.paymentId.toString();
    const payload = payment ? { paymentId, payer, transaction: payment.signature } : { paymentId, payer };
    return { x402Version, payload };
  }

  /** The payment, if one had to be made. */
  async #becomeEntitled(
    offer: Offer,
    clientCap: string | undefined,
  ): Promise<JournalEntry | undefined> {
    const payer = this.#signer.address;
    const past = await this.#journal.unfinished(payer, offer.product);
    if (past) {
      const fate = await this.#settle(past);
      if (fate === "landed") return past;
      if (fate === "paid_elsewhere") return undefined;
    }

    const { merchant, product, paymentId } = offer;
    const purchase = { merchant, product, payer, paymentId };
    const before = await this.#read(() => readPurchase(this.#rpc, this.#addresses, purchase));
    if (wasPaid(before.intent)) return undefined;
    // Used credits are booked on chain later, so that a server which knows who asks
    // knows better. It names the same payment id until a payment has landed.
    const serverKnows = offer.credits > 0n && offer.beneficiary === payer;
    if (before.usable && !serverKnows) return undefined;

    const release = this.#purse.reserve(offer.mint, offer.network, offer.amount, clientCap);
    let mayHaveMoved = false;
    try {
      const entry = await this.#sign(offer, before.chainTime);
      const refusal = await this.#read(() => simulate(this.#rpc, signedTransactionOf(entry)));
      if (refusal !== undefined) {
        // An earlier process of the same payer may have paid in this moment.
        const after = await this.#read(() => readPurchase(this.#rpc, this.#addresses, purchase));
        if (wasPaid(after.intent)) return undefined;
        throw failure("payment_refused", refusal, entry);
      }
      await this.#journal.begin(entry);
      mayHaveMoved = true;
      const fate = await this.#settle(entry);
      mayHaveMoved = fate === "landed";
      if (fate === "landed") return entry;
      if (fate === "paid_elsewhere") return undefined;
      throw failure("payment_expired", "it never landed and never can", entry);
    } catch (error) {
      if (error instanceof PaymentError && error.code === "payment_failed") mayHaveMoved = false;
      throw error;
    } finally {
      if (!mayHaveMoved) release();
    }
  }

  async #sign(offer: Offer, chainTime: bigint): Promise<JournalEntry> {
    const { merchant, product, mint, paymentId, amount, access, credits } = offer;
    const payer = this.#signer;
    const expiresAt = chainTime + INTENT_LIFETIME_SECONDS;
    const purchase = { payer, merchant, product, mint, paymentId, amount, access, credits, expiresAt };
    const signed = await this.#read(() =>
      signPurchase(this.#rpc, this.#addresses, purchase, this.#unitPrice),
    );
    return {
      state: "signed",
      paymentId: paymentId.toString(),
      payer: payer.address,
      product,
      intent: await this.#addresses.intent(merchant, payer.address, paymentId),
      mint,
      amount: amount.toString(),
      signature: signed.signature,
      transaction: signed.transaction,
      lastValidBlockHeight: signed.lastValidBlockHeight.toString(),
    };
  }

  /** Sends what the journal holds until its fate is known, and notes it. */
  async #settle(entry: JournalEntry): Promise<"landed" | "paid_elsewhere" | "expired"> {
    const fate = await submit(this.#rpc, signedTransactionOf(entry), this.#limits);
    switch (fate.kind) {
      case "landed":
        await this.#journal.finish(entry, "landed");
        return "landed";
      case "failed": {
        await this.#journal.finish(entry, "failed");
        // Another process of the same payer was faster, under the same payment id.
        if (await this.#isPaid(entry)) return "paid_elsewhere";
        throw failure("payment_failed", fate.reason, entry);
      }
      case "unknown":
        throw failure(
          "payment_unknown",
          "the payment may have landed or may still land; ask again, nothing is paid twice",
          entry,
          fate.cause,
        );
      case "expired": {
        // A server may have forgotten an old transaction; the chain has not.
        const state = (await this.#isPaid(entry)) ? "landed" : "expired";
        await this.#journal.finish(entry, state);
        return state;
      }
    }
  }

  async #isPaid(entry: JournalEntry): Promise<boolean> {
    try {
      return await isPaid(this.#rpc, this.#addresses, entry.intent as Address);
    } catch (cause) {
      throw failure("payment_unknown", "the chain cannot be read", entry, cause);
    }
  }

  async #requireSameChain(offer: Offer): Promise<void> {
    if (offer.program !== this.#addresses.program) {
      throw new PaymentError("chain_mismatch", `the 402 names the program ${offer.program}`);
    }
    this.#network ??= this.#readNetwork();
    const network = await this.#network.catch((error: unknown) => {
      this.#network = undefined;
      throw error;
    });
    if (offer.network !== network) {
      throw new PaymentError("chain_mismatch", `the 402 is for ${offer.network}, not ${network}`);
    }
  }

  async #readNetwork(): Promise<string> {
    const call = this.#rpc.getGenesisHash();
    const abortSignal = AbortSignal.timeout(CALL_MILLISECONDS);
    const genesis = await this.#read(() => call.send({ abortSignal }));
    return `solana:${genesis.slice(0, REFERENCE_LENGTH)}`;
  }

  /** Before anything was sent, a chain that cannot be read is no doubt about money. */
  async #read<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new PaymentError("chain_unreadable", `nothing was paid: ${cause}`, { cause });
    }
  }

  /** Two requests at once for one product make one payment: the second finds it. */
  async #oneAtATime<T>(product: Address, work: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(product) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#underWay.set(product, mine);
    try {
      return await mine;
    } finally {
      if (this.#underWay.get(product) === mine) this.#underWay.delete(product);
    }
  }
}

function failure(
  code: "payment_refused" | "payment_failed" | "payment_expired" | "payment_unknown",
  detail: string,
  entry: JournalEntry,
  cause?: unknown,
): PaymentError {
  const { paymentId, signature } = entry;
  return new PaymentError(code, detail, { paymentId, signature, cause });
}
