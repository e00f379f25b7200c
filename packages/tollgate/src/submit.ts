/**
 * Sending a signed transaction until its fate is known. The same bytes are sent
 * again until they land or their blockhash has expired; nothing is ever signed
 * again here. That a first answer is lost can therefore not make anybody pay twice.
 */
import { CALL_MILLISECONDS, COMMITMENT, type SolanaRpc } from "./chain.js";
import type { SignedTransaction } from "./purchase.js";

/** How long and how often to try, in milliseconds. */
export interface SubmitLimits {
  /** After this the fate is unknown. */
  readonly deadline: number;
  /** Pause between two looks at the status. */
  readonly pollEvery: number;
  /** Pause between two broadcasts of the same bytes. */
  readonly resendEvery: number;
}

/** Outlasts the life of a blockhash on a cluster (150 slots, about a minute). */
export const DEFAULT_LIMITS: SubmitLimits = {
  deadline: 90_000,
  pollEvery: 250,
  resendEvery: 2_000,
};

/** What became of a transaction. */
export type Fate =
  /** It succeeded at the commitment. */
  | { readonly kind: "landed" }
  /** It is on chain and failed: only its fee was spent. */
  | { readonly kind: "failed"; readonly reason: string }
  /** Its blockhash expired without it: it can never land. */
  | { readonly kind: "expired" }
  /** Nobody could say in time. It may have landed or may still land. */
  | { readonly kind: "unknown"; readonly cause?: unknown };

/** Broadcasts `signed`, which may have been sent before, and waits for its fate. Never throws. */
export async function submit(
  rpc: SolanaRpc,
  signed: SignedTransaction,
  limits: SubmitLimits,
): Promise<Fate> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  let nextSend = 0;
  let cause: unknown;
  while (elapsed() < limits.deadline) {
    if (elapsed() >= nextSend) {
      await broadcast(rpc, signed);
      nextSend = elapsed() + limits.resendEvery;
    }
    try {
      // The height is read before the status: a transaction that is absent from a
      // later view than the expiry of its blockhash cannot land.
      const expired = await isPast(rpc, signed.lastValidBlockHeight);
      const fate = await fateOf(rpc, signed);
      if (fate === "absent" && expired) return { kind: "expired" };
      if (typeof fate === "object") return fate;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, limits.pollEvery));
  }
  return { kind: "unknown", cause };
}

/**
 * Why the transaction would fail, found out at the price of no fee; `undefined`: it
 * would succeed.
 *
 * @throws when the server cannot be asked
 */
export async function simulate(
  rpc: SolanaRpc,
  signed: SignedTransaction,
): Promise<string | undefined> {
  const { value } = await rpc
    .simulateTransaction(signed.transaction, { encoding: "base64", commitment: COMMITMENT })
    .send(bounded());
  if (value.err === null) return undefined;
  const last = value.logs?.findLast((line) => line.includes("Error")) ?? "";
  return `${describe(value.err)} ${last}`.trim();
}

/** One broadcast. What it answers says nothing about earlier ones: only the status counts. */
async function broadcast(rpc: SolanaRpc, signed: SignedTransaction): Promise<void> {
  await rpc
    .sendTransaction(signed.transaction, { encoding: "base64", skipPreflight: true, maxRetries: 0n })
    .send(bounded())
    .catch(() => undefined);
}

async function fateOf(
  rpc: SolanaRpc,
  signed: SignedTransaction,
): Promise<Fate | "absent" | "waiting"> {
  const { value } = await rpc
    .getSignatureStatuses([signed.signature], { searchTransactionHistory: true })
    .send(bounded());
  const status = value[0];
  if (!status) return "absent";
  const level = status.confirmationStatus;
  if (level !== "confirmed" && level !== "finalized") return "waiting";
  if (status.err === null) return { kind: "landed" };
  return { kind: "failed", reason: describe(status.err) };
}

/** Asked at `finalized`, so that no block which could still hold the transaction is left out. */
async function isPast(rpc: SolanaRpc, height: bigint): Promise<boolean> {
  const current = await rpc.getBlockHeight({ commitment: "finalized" }).send(bounded());
  return current > height;
}

function bounded() {
  return { abortSignal: AbortSignal.timeout(CALL_MILLISECONDS) };
}

function describe(error: unknown): string {
  return JSON.stringify(error, (_, value) => (typeof value === "bigint" ? String(value) : value));
}
