/**
 * The one-shot purchase at list price: `[create_intent, pay]` in one transaction, so
 * that an intent without its payment is never left behind.
 */
import {
  type Address,
  type Base64EncodedWireTransaction,
  type Instruction,
  type Signature,
  type TransactionSigner,
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  getStructEncoder,
  getU32Encoder,
  getU64Encoder,
  getU8Encoder,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from "@solana/kit";

import { type Addresses, tokenAccount } from "./addresses.js";
import { CALL_MILLISECONDS, COMMITMENT, type SolanaRpc } from "./chain.js";
import { getCreateIntentInstruction, getPayInstruction } from "./generated/index.js";
import type { PaymentId } from "./payment_id.js";

/** Compute units that a purchase asks for: about twice what it uses. */
export const PURCHASE_UNITS = 60_000;
const COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111" as Address;
const SET_UNIT_LIMIT = 2;
const SET_UNIT_PRICE = 3;

/** Everything that the payer agrees to. The program refuses any other terms. */
export interface Purchase {
  /** Signs, pays, pays the rent, and gets the entitlement. */
  readonly payer: TransactionSigner;
  /** The merchant account. */
  readonly merchant: Address;
  /** The product account. */
  readonly product: Address;
  /** What is paid with. */
  readonly mint: Address;
  /** The purchase's name. */
  readonly paymentId: PaymentId;
  /** Expected price in the mint's smallest unit. */
  readonly amount: bigint;
  /** Expected access in seconds; 0: without limit in time. */
  readonly access: bigint;
  /** Expected credits; 0: not counted. */
  readonly credits: bigint;
  /** The intent is payable before; unix seconds of the chain. */
  readonly expiresAt: bigint;
}

/** The two instructions, in their order. */
export async function purchaseInstructions(
  purchase: Purchase,
  addresses: Addresses,
): Promise<[Instruction, Instruction]> {
  const { payer, merchant, product, mint, paymentId, amount, access, credits } = purchase;
  const config = { programAddress: addresses.program };
  const intent = await addresses.intent(merchant, payer.address, paymentId);
  const create = getCreateIntentInstruction(
    {
      creator: payer,
      rentPayer: payer,
      merchant,
      product,
      intent,
      paymentId: paymentId.bytes,
      expiresAt: purchase.expiresAt,
      beneficiary: payer.address,
      terms: { __kind: "ListPrice", fields: [{ amount, access, credits }] },
    },
    config,
  );
  const pay = getPayInstruction(
    {
      payer,
      rentPayer: payer,
      merchant,
      intent,
      entitlement: await addresses.entitlement(product, payer.address),
      source: await tokenAccount(payer.address, mint),
      vault: await addresses.vault(merchant, mint),
      mint,
      amount,
      beneficiary: payer.address,
    },
    config,
  );
  return [create, pay];
}

/** A transaction that is ready to be sent, in the form that a journal can keep. */
export interface SignedTransaction {
  /** Its signature, base58: its name on chain. */
  readonly signature: Signature;
  /** Its bytes, base64. */
  readonly transaction: Base64EncodedWireTransaction;
  /** The last block height at which it can land. */
  readonly lastValidBlockHeight: bigint;
}

/**
 * Signs a purchase under a recent blockhash. Nothing is sent.
 *
 * @param unitPrice of a compute unit, in millionths of a lamport; 0: no priority
 */
export async function signPurchase(
  rpc: SolanaRpc,
  addresses: Addresses,
  purchase: Purchase,
  unitPrice: bigint,
): Promise<SignedTransaction> {
  const { value: lifetime } = await rpc
    .getLatestBlockhash({ commitment: COMMITMENT })
    .send({ abortSignal: AbortSignal.timeout(CALL_MILLISECONDS) });
  const instructions = [
    ...computeBudget(PURCHASE_UNITS, unitPrice),
    ...(await purchaseInstructions(purchase, addresses)),
  ];
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (message) => setTransactionMessageFeePayerSigner(purchase.payer, message),
    (message) => setTransactionMessageLifetimeUsingBlockhash(lifetime, message),
    (message) => appendTransactionMessageInstructions(instructions, message),
  );
  const signed = await signTransactionMessageWithSigners(message);
  assertIsTransactionWithBlockhashLifetime(signed);
  return {
    signature: getSignatureFromTransaction(signed),
    transaction: getBase64EncodedWireTransaction(signed),
    // A wallet may have signed under a younger blockhash.
    lastValidBlockHeight: signed.lifetimeConstraint.lastValidBlockHeight,
  };
}

/** What a transaction asks of the scheduler. */
function computeBudget(units: number, unitPrice: bigint): Instruction[] {
  const limit = getStructEncoder([
    ["kind", getU8Encoder()],
    ["units", getU32Encoder()],
  ]).encode({ kind: SET_UNIT_LIMIT, units });
  const price = getStructEncoder([
    ["kind", getU8Encoder()],
    ["price", getU64Encoder()],
  ]).encode({ kind: SET_UNIT_PRICE, price: unitPrice });
  const all = unitPrice > 0n ? [limit, price] : [limit];
  return all.map((data) => ({ programAddress: COMPUTE_BUDGET_PROGRAM, accounts: [], data }));
}
