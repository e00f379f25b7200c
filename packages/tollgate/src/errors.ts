/** What can go wrong, by stable codes. */

/** The closed list of codes. */
export type PaymentErrorCode =
  /** The 402 cannot be followed: a field is missing or malformed. Nothing was signed. */
  | "challenge_unusable"
  /** The 402 is for another cluster or another program than this client's. Nothing was signed. */
  | "chain_mismatch"
  /** The chain could not be read or the transaction not signed. Nothing was sent. */
  | "chain_unreadable"
  /** The spending policy says no. Nothing was signed. */
  | "policy_refused"
  /** The simulation failed, so that nothing was sent and no fee was spent. */
  | "payment_refused"
  /** The transaction is on chain and failed: only its fee was spent. */
  | "payment_failed"
  /** It never landed and never can. Asking again may pay anew. */
  | "payment_expired"
  /**
   * Nobody can say whether the money moved. Asking again finds out before
   * anything else is signed: it never pays a second time for the same id.
   */
  | "payment_unknown"
  /** The journal cannot be read or written. Nothing was sent that it does not hold. */
  | "journal_unusable";

/** What is known of the payment at hand. */
export interface PaymentDetails {
  /** The payment id, base58. */
  readonly paymentId?: string;
  /** The transaction's signature, base58. */
  readonly signature?: string;
  /** What it was caused by. */
  readonly cause?: unknown;
}

/**
 * A payment that did not come about, or whose fate is unknown. The stock fetch
 * wrapper passes on nothing but the message, so that the message says it all.
 */
export class PaymentError extends Error {
  override readonly name = "PaymentError";
  readonly code: PaymentErrorCode;
  readonly paymentId: string | undefined;
  readonly signature: string | undefined;

  constructor(code: PaymentErrorCode, detail: string, details: PaymentDetails = {}) {
    const { paymentId, signature, cause } = details;
    const named = [
      paymentId && `payment id ${paymentId}`,
      signature && `signature ${signature}`,
    ].filter(Boolean);
    const suffix = named.length > 0 ? ` (${named.join(", ")})` : "";
    super(`${code}: ${detail}${suffix}`, { cause });
    this.code = code;
    this.paymentId = paymentId;
    this.signature = signature;
  }
}
