// Pays, then verifies the receipts with the published packages and nothing but what
// the service itself publishes.
import { verify } from "@peac/crypto";
import { parseReceiptClaims } from "@peac/schema";
import {
  decodeSignedOffers,
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  verifyOfferSignatureJWS,
  verifyReceiptMatchesOffer,
  verifyReceiptSignatureJWS,
} from "@x402/extensions/offer-receipt";
import { decodePaymentRequiredHeader } from "@x402/core/http";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { EntitlementScheme } from "tollgate-client";

import { say, signer, task } from "./task.mjs";

const scheme = new EntitlementScheme(signer, { rpcUrl: task.rpcUrl });
const pay = wrapFetchWithPayment(scheme.fetch, new x402Client().register("solana:*", scheme));

const refused = await fetch(task.url);
const required = decodePaymentRequiredHeader(refused.headers.get("PAYMENT-REQUIRED"));
const offers = decodeSignedOffers(extractOffersFromPaymentRequired(required));

const served = await pay(task.url);
const receipt = extractReceiptFromResponse(served);
const offerReceipt = await verifyReceiptSignatureJWS(receipt);

const record = served.headers.get("PEAC-Receipt");
const keys = await (await fetch(new URL("/.well-known/jwks.json", task.url))).json();
const key = new Uint8Array(Buffer.from(keys.keys[0].x, "base64url"));
const peac = await verify(record, key);
const claims = parseReceiptClaims(peac.payload);

// A receipt with another last character has to fail, or nothing was verified.
const forged = { ...receipt, signature: flip(receipt.signature) };
const refusedForgery = await verifyReceiptSignatureJWS(forged).then(() => false, () => true);
const refusedRecord = await verify(flip(record), key).then((result) => !result.valid, () => true);

say({
  status: served.status,
  network: required.accepts[0].network,
  offerReceipt,
  offers: await Promise.all(
    offers.map(async (offer) => ({
      verified: await verifyOfferSignatureJWS(offer.signedOffer),
      matches: verifyReceiptMatchesOffer(receipt, offer, [signer.address]),
    })),
  ),
  peac: { valid: peac.valid, header: peac.header, claims: peac.payload, parsed: claims.ok, error: claims.error },
  refusedForgery,
  refusedRecord,
});

/** Changes the middle of the signature: the last character holds bits that do not count. */
function flip(jws) {
  const at = jws.length - 40;
  return jws.slice(0, at) + (jws[at] === "A" ? "B" : "A") + jws.slice(at + 1);
}
