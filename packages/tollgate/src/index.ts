export { Addresses, TOKEN_PROGRAM, tokenAccount } from "./addresses.js";
export {
  type EntitlementReading,
  type PurchaseReading,
  type SolanaRpc,
  isUsable,
  readEntitlement,
  readPurchase,
} from "./chain.js";
export { type PaymentDetails, PaymentError, type PaymentErrorCode } from "./errors.js";
export { signedFetch } from "./fetch.js";
export { type Journal, type JournalEntry, MemoryJournal, type PaymentState } from "./journal.js";
export { PaymentId, cheapestPaymentId } from "./payment_id.js";
export type { AllowedAsset, DefaultAsset, Dollars, SpendingPolicy } from "./policy.js";
export {
  PURCHASE_UNITS,
  type Purchase,
  type SignedTransaction,
  purchaseInstructions,
  signPurchase,
} from "./purchase.js";
export {
  type EntitlementOptions,
  type EntitlementPayload,
  EntitlementScheme,
  type PayingSigner,
} from "./scheme.js";
export type { SubmitLimits } from "./submit.js";
