// The scheme of packages/tollgate with the stock sign-in instead of its own fetch.
import { wrapFetchWithSIWx } from "@x402/extensions/sign-in-with-x";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { EntitlementScheme } from "tollgate-client";

import { counted, say, signer, task, visit } from "./task.mjs";

const counter = counted();
const scheme = new EntitlementScheme(signer, { rpcUrl: task.rpcUrl });
const client = new x402Client().register("solana:*", scheme);
const pay = wrapFetchWithPayment(wrapFetchWithSIWx(counter, signer), client);

say({ visits: [await visit(pay, counter), await visit(pay, counter)] });
