/** What a 402 offers, read as one that trusts nothing. */
import {
  type Address,
  getBase64Decoder,
  getBase64Encoder,
  getUtf8Decoder,
  getUtf8Encoder,
  isAddress,
} from "@solana/kit";

import { PaymentError } from "./errors.js";
import { PaymentId } from "./payment_id.js";

/** The x402 scheme of the program's own atomic payment. */
export const SCHEME = "entitlement";
/** The name of the sign-in extension and, in capitals, of its header. */
export const SIGN_IN = "sign-in-with-x";
/** Largest header that is decoded, in characters. */
const MAX_HEADER = 32 * 1024;
const MAX_U64 = 2n ** 64n - 1n;

/** An entry of `accepts` in x402 v2, as the stock client hands it over. */
export interface Requirements {
  readonly scheme: string;
  readonly network: string;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The terms of one purchase. */
export interface Offer {
  /** CAIP-2 id of the cluster. */
  readonly network: string;
  readonly program: Address;
  readonly merchant: Address;
  readonly product: Address;
  readonly mint: Address;
  readonly amount: bigint;
  readonly paymentId: PaymentId;
  /** Seconds; 0: without limit in time. */
  readonly access: bigint;
  /** 0: not counted. */
  readonly credits: bigint;
  /** The key that the server knows the caller by, if it was proved. */
  readonly beneficiary: Address | undefined;
}

/** @throws {PaymentError} `challenge_unusable` */
export function readOffer(requirements: Requirements): Offer {
  const extra = requirements.extra ?? {};
  if (requirements.scheme !== SCHEME) throw unusable("it is of another scheme");
  return {
    network: requirements.network,
    program: key("extra.programId", extra["programId"]),
    merchant: key("payTo", requirements.payTo),
    product: key("extra.product", extra["product"]),
    mint: key("asset", requirements.asset),
    amount: number("amount", requirements.amount),
    paymentId: paymentId(extra["paymentId"]),
    access: number("extra.accessSeconds", extra["accessSeconds"]),
    credits: number("extra.credits", extra["credits"]),
    beneficiary:
      extra["beneficiary"] === undefined
        ? undefined
        : key("extra.beneficiary", extra["beneficiary"]),
  };
}

/** The part of a `PaymentRequired` that is looked at before anybody pays. */
export interface Challenge {
  /** The `entitlement` entry of `accepts`, if there is one. */
  readonly offer: Requirements | undefined;
  /** `info` of the sign-in extension. */
  readonly signIn: unknown;
  /** The network of the first entry: all are on the same. */
  readonly network: string | undefined;
}

/** Reads a `PAYMENT-REQUIRED` header; `undefined` when there is none that can be read. */
export function readChallenge(header: string | null): Challenge | undefined {
  const required = decodeJson(header);
  if (!isRecord(required) || !Array.isArray(required["accepts"])) return undefined;
  const accepts = required["accepts"].filter(isRecord);
  const extensions = isRecord(required["extensions"]) ? required["extensions"] : {};
  const network = accepts[0]?.["network"];
  return {
    offer: accepts.find((entry) => entry["scheme"] === SCHEME) as Requirements | undefined,
    signIn: signInOf(extensions),
    network: typeof network === "string" ? network : undefined,
  };
}

/** `info` of the sign-in extension among `extensions`. */
export function signInOf(extensions: unknown): unknown {
  const extension = isRecord(extensions) ? extensions[SIGN_IN] : undefined;
  return isRecord(extension) ? extension["info"] : undefined;
}

/** The JSON in a base64 header; `undefined` when it is none. */
export function decodeJson(header: string | null): unknown {
  if (header === null || header.length > MAX_HEADER) return undefined;
  try {
    return JSON.parse(getUtf8Decoder().decode(getBase64Encoder().encode(header)));
  } catch {
    return undefined;
  }
}

/** A header's base64 of JSON. */
export function encodeJson(value: unknown): string {
  return getBase64Decoder().decode(getUtf8Encoder().encode(JSON.stringify(value)));
}

/** Whether `value` is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function key(name: string, value: unknown): Address {
  if (typeof value !== "string" || !isAddress(value)) throw unusable(`${name} is not a key`);
  return value;
}

function number(name: string, value: unknown): bigint {
  const isNumber = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  const isText = typeof value === "string" && /^\d{1,20}$/.test(value);
  if (!isNumber && !isText) throw unusable(`${name} is not a number`);
  const read = BigInt(value);
  if (read > MAX_U64) throw unusable(`${name} is too large`);
  return read;
}

function paymentId(value: unknown): PaymentId {
  try {
    if (typeof value === "string") return PaymentId.parse(value);
  } catch {
    // Answered below.
  }
  throw unusable("extra.paymentId is not a payment id");
}

function unusable(detail: string): PaymentError {
  return new PaymentError("challenge_unusable", `the offer cannot be followed: ${detail}`);
}
