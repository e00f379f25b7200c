/**
 * Proving a key with sign-in-with-x (an x402 extension; the text is SIWS, CAIP-122),
 * byte for byte as the stock client builds it. A dependency on that client would
 * bring eighty megabytes of other chains along.
 */
import {
  type MessagePartialSigner,
  createSignableMessage,
  getBase58Decoder,
} from "@solana/kit";

import { encodeJson, isRecord } from "./challenge.js";

const TYPE = "ed25519";

/**
 * The value of a `SIGN-IN-WITH-X` header for the resource at `url`; `undefined` when
 * the challenge is for another service than the one that was asked: a signature for
 * it could be used there.
 */
export async function signInHeader(
  info: unknown,
  network: string,
  signer: MessagePartialSigner,
  url: string,
): Promise<string | undefined> {
  const fields = readInfo(info);
  if (!fields || !isFor(fields, url)) return undefined;
  const text = textOf(fields, network, signer.address);
  const message = createSignableMessage(text);
  const [signatures] = await signer.signMessages([message]);
  const signature = signatures?.[signer.address];
  if (!signature) throw new Error("the signer did not sign");
  return encodeJson({
    ...fields,
    address: signer.address,
    chainId: network,
    type: TYPE,
    signature: getBase58Decoder().decode(signature),
  });
}

interface Info {
  readonly domain: string;
  readonly uri: string;
  readonly version: string;
  readonly nonce: string;
  readonly issuedAt: string;
  readonly expirationTime?: string;
  readonly notBefore?: string;
  readonly requestId?: string;
  readonly statement?: string;
  readonly resources?: readonly string[];
}

const REQUIRED = ["domain", "uri", "version", "nonce", "issuedAt"];
const OPTIONAL = ["expirationTime", "notBefore", "requestId", "statement"];

/** A field with a line break could pose as others, so none may hold control characters. */
function readInfo(info: unknown): Info | undefined {
  if (!isRecord(info)) return undefined;
  const read: Record<string, unknown> = {};
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const value = info[name];
    if (value === undefined && OPTIONAL.includes(name)) continue;
    if (!isPlain(value)) return undefined;
    read[name] = value;
  }
  const resources = info["resources"];
  if (resources !== undefined) {
    if (!Array.isArray(resources) || !resources.every(isPlain)) return undefined;
    read["resources"] = resources;
  }
  return read as unknown as Info;
}

function isPlain(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && !/[\u0000-\u001f\u007f-\u009f]/.test(value);
}

function isFor({ domain, uri }: Info, url: string): boolean {
  const asked = new URL(url);
  return domain === asked.host && URL.canParse(uri) && new URL(uri).origin === asked.origin;
}

function textOf(info: Info, network: string, address: string): string {
  const [, reference] = network.split(":");
  const lines = [`${info.domain} wants you to sign in with your Solana account:`, address, ""];
  if (info.statement !== undefined) lines.push(info.statement, "");
  lines.push(
    `URI: ${info.uri}`,
    `Version: ${info.version}`,
    `Chain ID: ${reference}`,
    `Nonce: ${info.nonce}`,
    `Issued At: ${info.issuedAt}`,
  );
  if (info.expirationTime !== undefined) lines.push(`Expiration Time: ${info.expirationTime}`);
  if (info.notBefore !== undefined) lines.push(`Not Before: ${info.notBefore}`);
  if (info.requestId !== undefined) lines.push(`Request ID: ${info.requestId}`);
  if (info.resources && info.resources.length > 0) {
    lines.push("Resources:", ...info.resources.map((resource) => `- ${resource}`));
  }
  return lines.join("\n");
}
