// @x402/fetch with the stock scheme `exact` (x402 v2); with `task.signIn` also the
// stock sign-in, with `task.paymentIdentifier` the stock payment identifier.
import { appendPaymentIdentifierToExtensions } from "@x402/extensions/payment-identifier";
import { createSIWxClientExtension } from "@x402/extensions/sign-in-with-x";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { ExactSvmScheme } from "@x402/svm/exact/client";

import { counted, say, signer, task, visit } from "./task.mjs";

const counter = counted();
const client = new x402Client();
client.register("solana:*", new ExactSvmScheme(signer, { rpcUrl: task.rpcUrl }));
if (task.signIn) client.registerExtension(createSIWxClientExtension({ signers: [signer] }));
if (task.paymentIdentifier) {
  client.onBeforePaymentCreation(async ({ paymentRequired }) => {
    appendPaymentIdentifierToExtensions(paymentRequired.extensions ?? {}, task.paymentIdentifier);
  });
}
const pay = wrapFetchWithPayment(counter, client);

const visits = [];
for (let number = 0; number < (task.visits ?? 2); number += 1) {
  const seen = await visit(pay, counter);
  const settled = seen.headers?.["payment-response"];
  visits.push({ ...seen, settled: settled && decodePaymentResponseHeader(settled) });
}
say({ visits });
