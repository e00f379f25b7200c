// mppx with the Solana charge of @solana/mpp. `task.broadcast`: the client sends the
// transaction itself (push). Whether the service pays the fee is up to its challenge.
import { Mppx, solana } from "@solana/mpp/client";

import { counted, say, signer, task, visit } from "./task.mjs";

const counter = counted();
const { broadcast, rpcUrl } = task;
const mppx = Mppx.create({
  methods: [solana.charge({ signer, rpcUrl, broadcast })],
  fetch: counter,
  polyfill: false,
});

const visits = [];
for (let number = 0; number < (task.visits ?? 2); number += 1) {
  visits.push(await visit(mppx.fetch, counter));
}
say({ visits });
