// x402-solana 2.0, which refuses recipients off the curve: against a shop of the
// merchant's own, whose 402 asks for an order to be paid and whose facilitator pays the fee.
import { createServer } from "node:http";
import { Connection, Keypair, VersionedTransaction } from "@solana/web3.js";
import { createX402Client } from "x402-solana/client";

import { say, task } from "./task.mjs";

const payer = Keypair.fromSecretKey(new Uint8Array(task.secretKey));
const facilitator = Keypair.fromSecretKey(new Uint8Array(task.facilitatorKey));
const connection = new Connection(task.rpcUrl, "confirmed");

/** What a facilitator does with a client's transaction. */
async function settle(header) {
  const { payload } = JSON.parse(Buffer.from(header, "base64").toString());
  const transaction = VersionedTransaction.deserialize(Buffer.from(payload.transaction, "base64"));
  transaction.sign([facilitator]);
  const signature = await connection.sendRawTransaction(transaction.serialize());
  for (;;) {
    const { value } = await connection.getSignatureStatus(signature);
    if (value?.err) throw new Error(JSON.stringify(value.err));
    if (["confirmed", "finalized"].includes(value?.confirmationStatus)) return signature;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** One purchase, by what the 402 says; what came of it. */
async function visit(requirements) {
  const { extra } = requirements;
  const asked = { ...requirements, extra: { ...extra, feePayer: facilitator.publicKey.toBase58() } };
  const shop = createServer(async (request, response) => {
    const header = request.headers["payment-signature"];
    if (header) {
      response.end(await settle(header));
      return;
    }
    const required = { x402Version: 2, resource: { url: task.url }, accepts: [asked] };
    const text = Buffer.from(JSON.stringify(required)).toString("base64");
    response.writeHead(402, { "PAYMENT-REQUIRED": text }).end();
  });
  await new Promise((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const wallet = {
    address: payer.publicKey.toBase58(),
    signTransaction: async (transaction) => {
      transaction.sign([payer]);
      return transaction;
    },
  };
  const client = createX402Client({ wallet, network: "solana-devnet", rpcUrl: task.rpcUrl });
  try {
    const response = await client.fetch(`http://127.0.0.1:${shop.address().port}/`);
    return { status: response.status, signature: await response.text() };
  } catch (error) {
    return { error: error.name };
  } finally {
    shop.close();
  }
}

const { requirements } = task;
const refused = await visit({ ...requirements, payTo: task.intent });
const paid = await visit(requirements);
say({ refused, paid });
