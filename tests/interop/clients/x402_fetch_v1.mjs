// x402-fetch 1.2 (x402 v1).
import { decodeXPaymentResponse, wrapFetchWithPayment } from "x402-fetch";

import { counted, say, signer, task, visit } from "./task.mjs";

const counter = counted();
const config = { svmConfig: { rpcUrl: task.rpcUrl } };
const pay = wrapFetchWithPayment(counter, signer, undefined, undefined, config);

const visits = [];
for (let number = 0; number < (task.visits ?? 2); number += 1) {
  const seen = await visit(pay, counter);
  const settled = seen.headers?.["x-payment-response"];
  visits.push({ ...seen, settled: settled && decodeXPaymentResponse(settled) });
}
say({ visits });
