/**
 * What is read of the chain, as one that trusts nothing: owner, discriminator,
 * version and the address that the fields lead to must all agree. What cannot be
 * read throws; it is never "not there".
 */
import {
  type Address,
  type Commitment,
  type EncodedAccount,
  type MaybeEncodedAccount,
  type createSolanaRpc,
  fetchEncodedAccounts,
  getI64Decoder,
} from "@solana/kit";

import type { Addresses } from "./addresses.js";
import {
  ENTITLEMENT_DISCRIMINATOR,
  type Entitlement,
  EntitlementStatus,
  PAYMENT_INTENT_DISCRIMINATOR,
  type PaymentIntent,
  getEntitlementDecoder,
  getPaymentIntentDecoder,
} from "./generated/index.js";
import { PaymentId } from "./payment_id.js";

/** A JSON-RPC client of `@solana/kit`. */
export type SolanaRpc = ReturnType<typeof createSolanaRpc>;

/** What payments are read and followed at: a fork may still take back what is only processed. */
export const COMMITMENT: Commitment = "confirmed";
/** The longest that one call may take. */
export const CALL_MILLISECONDS = 10_000;

const CLOCK = "SysvarC1ock11111111111111111111111111111111" as Address;
const SYSTEM_PROGRAM = "11111111111111111111111111111111" as Address;
/** `unix_timestamp` in the Clock sysvar: after slot, epoch start, epoch, leader schedule epoch. */
const CLOCK_TIME_OFFSET = 32;
/** The layout version that this build knows. */
const ACCOUNT_VERSION = 1;

/** An entitlement together with the chain time that it was read at. */
export interface EntitlementReading {
  /** Absent: nobody ever paid for this product and beneficiary, or the account was closed. */
  readonly entitlement: Entitlement | undefined;
  /** Chain time in unix seconds. */
  readonly chainTime: bigint;
  /** Whether it can be used now. */
  readonly usable: boolean;
}

/**
 * What `beneficiary` holds of `product`.
 *
 * @throws when the chain cannot be read or the account is not what its address promises
 */
export async function readEntitlement(
  rpc: SolanaRpc,
  addresses: Addresses,
  product: Address,
  beneficiary: Address,
): Promise<EntitlementReading> {
  const address = await addresses.entitlement(product, beneficiary);
  const [account, clock] = await read(rpc, [address, CLOCK]);
  return entitlementReading(addresses, account, clock);
}

/** What decides on a purchase, all from one answer. */
export interface PurchaseReading extends EntitlementReading {
  /** The intent with the payment id at hand, if there is one. */
  readonly intent: PaymentIntent | undefined;
}

/** The intent of a purchase and what the payer holds already, as of one slot. */
export async function readPurchase(
  rpc: SolanaRpc,
  addresses: Addresses,
  purchase: { merchant: Address; product: Address; payer: Address; paymentId: PaymentId },
): Promise<PurchaseReading> {
  const { merchant, product, payer, paymentId } = purchase;
  const entitlement = await addresses.entitlement(product, payer);
  const intent = await addresses.intent(merchant, payer, paymentId);
  const [held, created, clock] = await read(rpc, [entitlement, intent, CLOCK]);
  return {
    ...(await entitlementReading(addresses, held, clock)),
    intent: await intentOf(addresses, created),
  };
}

/** Whether the intent at `address` stands and was paid. */
export async function isPaid(
  rpc: SolanaRpc,
  addresses: Addresses,
  address: Address,
): Promise<boolean> {
  const [account] = await read(rpc, [address]);
  return wasPaid(await intentOf(addresses, account));
}

/** Whether money moved for an intent, whatever became of it later. */
export function wasPaid(intent: PaymentIntent | undefined): boolean {
  return intent !== undefined && intent.paidAt !== 0n;
}

/** Active, not expired, and with a credit left where they are counted. */
export function isUsable(entitlement: Entitlement, chainTime: bigint): boolean {
  const { status, metered, expiresAt, creditsGranted, creditsUsed } = entitlement;
  return (
    status === EntitlementStatus.Active &&
    chainTime < expiresAt &&
    (!metered || creditsUsed < creditsGranted)
  );
}

async function entitlementReading(
  addresses: Addresses,
  account: MaybeEncodedAccount | undefined,
  clock: MaybeEncodedAccount | undefined,
): Promise<EntitlementReading> {
  if (!clock?.exists) throw new Error("the cluster has no clock");
  const chainTime = getI64Decoder().decode(clock.data, CLOCK_TIME_OFFSET);
  const found = accountOf(addresses, account, ENTITLEMENT_DISCRIMINATOR, "entitlement");
  if (!found) return { entitlement: undefined, chainTime, usable: false };
  const entitlement = getEntitlementDecoder().decode(found.data);
  const { product, beneficiary, version } = entitlement;
  await requireOwn(found, version, addresses.entitlement(product, beneficiary));
  return { entitlement, chainTime, usable: isUsable(entitlement, chainTime) };
}

async function intentOf(
  addresses: Addresses,
  account: MaybeEncodedAccount | undefined,
): Promise<PaymentIntent | undefined> {
  const found = accountOf(addresses, account, PAYMENT_INTENT_DISCRIMINATOR, "payment intent");
  if (!found) return undefined;
  const intent = getPaymentIntentDecoder().decode(found.data);
  const { merchant, author, version } = intent;
  const paymentId = new PaymentId(new Uint8Array(intent.paymentId));
  await requireOwn(found, version, addresses.intent(merchant, author, paymentId));
  return intent;
}

function accountOf(
  addresses: Addresses,
  account: MaybeEncodedAccount | undefined,
  discriminator: Uint8Array,
  name: string,
): EncodedAccount | undefined {
  if (!account) throw new Error("the server left an account out of its answer");
  if (!account.exists) return undefined;
  // Anybody can send lamports to any address.
  const isBare = account.programAddress === SYSTEM_PROGRAM && account.data.length === 0;
  if (isBare) return undefined;
  const isOurs = account.programAddress === addresses.program;
  if (!isOurs || !discriminator.every((byte, index) => account.data[index] === byte)) {
    throw new Error(`the account at ${account.address} is not a ${name} of the program`);
  }
  return account;
}

async function requireOwn(account: EncodedAccount, version: number, derived: Promise<Address>) {
  if (version !== ACCOUNT_VERSION) {
    throw new Error(`the account at ${account.address} has the unknown layout version ${version}`);
  }
  if ((await derived) !== account.address) {
    throw new Error(`the account at ${account.address} has the fields of another`);
  }
}

function read(rpc: SolanaRpc, addresses: Address[]): Promise<MaybeEncodedAccount[]> {
  const abortSignal = AbortSignal.timeout(CALL_MILLISECONDS);
  return fetchEncodedAccounts(rpc, addresses, { commitment: COMMITMENT, abortSignal });
}
