// The stock client with the scheme of packages/tollgate.
import { address, createSolanaRpc } from "@solana/kit";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { Addresses, EntitlementScheme, readEntitlement } from "tollgate-client";
import { FileJournal } from "tollgate-client/node";

import { counted, say, signer, task, visit } from "./task.mjs";

const counter = counted();
const scheme = new EntitlementScheme(signer, {
  rpcUrl: task.rpcUrl,
  fetch: counter,
  ...(task.journal && { journal: new FileJournal(task.folder) }),
  ...(task.deadline && {
    limits: { deadline: task.deadline, pollEvery: 50, resendEvery: 200 },
  }),
  ...(task.unitPrice && { unitPrice: BigInt(task.unitPrice) }),
  ...(task.spending && { spending: task.spending }),
  ...(task.program && { program: task.program }),
});
const client = new x402Client().register("solana:*", scheme);
if (task.spendControls) client.setSpendControls(task.spendControls);
const pay = wrapFetchWithPayment(scheme.fetch, client);

const visits = [];
for (const number of task.visits ?? [1]) {
  const urls = Array.from({ length: number }, (_, index) => task.urls?.[index] ?? task.url);
  visits.push(...(await Promise.all(urls.map((url) => visit(pay, counter, url)))));
}
const { usable, entitlement } = await readEntitlement(
  createSolanaRpc(task.rpcUrl),
  new Addresses(),
  address(task.product),
  signer.address,
);
say({ visits, usable, payments: entitlement?.payments.toString() });
