// Payment ids, the journal, and what a 402 may not say.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Addresses, EntitlementScheme, PaymentId, cheapestPaymentId } from "../dist/index.js";
import { FileJournal } from "../dist/node.js";
import { NETWORK, signer } from "./support.mjs";

const id = (byte) => new PaymentId(new Uint8Array(32).fill(byte));

test("the chosen payment id is the first with the cheapest address", async () => {
  const addresses = new Addresses();
  const merchant = await addresses.merchant(signer.address);
  const chosen = await cheapestPaymentId(addresses, merchant, signer.address, id);
  const bump = async (byte) =>
    (await addresses.intentWithBump(merchant, signer.address, id(byte)))[1];
  assert.equal(await bump(chosen.bytes[0]), 255);
  for (let earlier = 0; earlier < chosen.bytes[0]; earlier += 1) {
    assert.notEqual(await bump(earlier), 255);
  }
  assert.equal(PaymentId.parse(chosen.toString()).toString(), chosen.toString());
  assert.throws(() => PaymentId.parse("lemonade"));
});

test("a journal in files survives its process, and damage to it stops payments", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "tollgate-journal-"));
  context.after(() => rm(folder, { recursive: true }));
  const entry = { state: "signed", paymentId: id(1).toString(), payer: "payer", product: "product" };
  await new FileJournal(folder).begin(entry);
  const journal = new FileJournal(folder);
  assert.deepEqual(await journal.unfinished("payer", "product"), entry);
  assert.equal(await journal.unfinished("payer", "other"), undefined);
  await journal.finish(entry, "landed");
  assert.equal(await journal.unfinished("payer", "product"), undefined);

  await assert.rejects(journal.begin({ ...entry, paymentId: "../../x" }), /journal_unusable/);
  await writeFile(join(folder, "open/damaged.json"), "{");
  await assert.rejects(journal.unfinished("payer", "product"), /journal_unusable/);
});

test("an offer that is incomplete or exaggerated is not followed", async () => {
  // Nothing listens there: whoever asks the chain fails otherwise.
  const scheme = new EntitlementScheme(signer, { rpcUrl: "http://127.0.0.1:9" });
  const good = {
    scheme: "entitlement",
    network: NETWORK,
    amount: "10000",
    asset: signer.address,
    payTo: signer.address,
    extra: {
      programId: new Addresses().program,
      product: signer.address,
      paymentId: id(1).toString(),
      accessSeconds: 60,
      credits: "0",
    },
  };
  const follow = (change, extra) =>
    scheme.createPaymentPayload(2, { ...good, ...change, extra: { ...good.extra, ...extra } });
  await assert.rejects(follow({}, {}), /chain_unreadable/);
  const bad = [
    [{ scheme: "exact" }],
    [{ amount: "-1" }],
    [{ amount: "1e4" }],
    [{ amount: String(2n ** 64n) }],
    [{ amount: 10_000.5 }],
    [{ asset: "USDC" }],
    [{ payTo: undefined }],
    [{}, { product: 7 }],
    [{}, { paymentId: "lemonade" }],
    [{}, { accessSeconds: -1 }],
    [{}, { credits: undefined }],
    [{}, { beneficiary: "me" }],
  ];
  for (const [change, extra = {}] of bad) {
    await assert.rejects(follow(change, extra), /challenge_unusable/, JSON.stringify([change, String(extra)]));
  }
  await assert.rejects(follow({}, { programId: signer.address }), /chain_mismatch/);
});
