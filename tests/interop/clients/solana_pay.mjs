// @solana/pay 1.0: a transaction request, then a transfer request, both really paid; and
// what the shop's side of the same package says of them.
import {
  createTransfer,
  fetchTransaction,
  findReference,
  parseURL,
  validateTransfer,
} from "@solana/pay";
import {
  address,
  appendTransactionMessageInstructions,
  createSolanaRpc,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  partiallySignTransaction,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from "@solana/kit";

import { say, signer, task } from "./task.mjs";

const rpc = createSolanaRpc(task.rpcUrl);
const commitment = "confirmed";

/** Sends a signed transaction, and waits until it stands. */
async function send(transaction) {
  const wire = getBase64EncodedWireTransaction(transaction);
  const signature = await rpc
    .sendTransaction(wire, { encoding: "base64", preflightCommitment: commitment })
    .send();
  for (;;) {
    const { value } = await rpc.getSignatureStatuses([signature]).send();
    const status = value[0];
    if (status?.err) throw new Error(`failed: ${JSON.stringify(status.err)}`);
    if (["confirmed", "finalized"].includes(status?.confirmationStatus)) return signature;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Pays by transaction request. `parseURL` takes HTTPS links only, and this shop has none. */
async function byTransactionRequest() {
  const link = decodeURIComponent(task.paymentUri.replace(/^solana:/, ""));
  const transaction = await fetchTransaction(rpc, signer.address, link, { commitment });
  return send(await partiallySignTransaction([signer.keyPair], transaction));
}

/** Pays by transfer request. */
async function byTransfer() {
  const fields = parseURL(task.transferUri);
  const instructions = await createTransfer(rpc, signer, fields);
  const { value: blockhash } = await rpc.getLatestBlockhash({ commitment }).send();
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (message) => setTransactionMessageFeePayerSigner(signer, message),
    (message) => setTransactionMessageLifetimeUsingBlockhash(blockhash, message),
    (message) => appendTransactionMessageInstructions(instructions, message),
  );
  return send(await signTransactionMessageWithSigners(message));
}

/** The oldest transaction with a reference. */
async function found(reference) {
  const { signature } = await findReference(rpc, address(reference), { commitment });
  return signature;
}

const said = {};
// What a shop with a certificate would say is read as it is meant.
const secure = task.paymentUri?.replace(/^solana:http%3A/, "solana:https%3A");
said.link = secure && parseURL(secure).link.href;
if (task.paymentUri) {
  said.paid = await byTransactionRequest();
  said.found = await found(task.paymentReference);
}
if (task.transferUri) {
  const fields = parseURL(task.transferUri);
  said.transferred = await byTransfer();
  said.transferFound = await found(fields.reference[0]);
  const { amount, recipient, splToken, reference, memo } = fields;
  const valid = { amount, recipient, splToken, reference, memo };
  await validateTransfer(rpc, said.transferFound, valid, { commitment });
  said.valid = true;
  try {
    await validateTransfer(rpc, said.transferFound, { ...valid, amount: amount * 2 }, { commitment });
  } catch (error) {
    said.refusedOther = error.name;
  }
}
say(said);
