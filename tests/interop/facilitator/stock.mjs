// The published facilitator and resource server, unmodified, over lines of JSON: one
// question per line of standard input, one answer per line of standard output.
//
// | question | answer |
// | --- | --- |
// | {ask: "verify", managed, x402Version, paymentPayload, paymentRequirements} | {isValid, invalidReason, invalidMessage, payer} |
// | {ask: "match", offered, paymentPayload} | {place}: which of the offered requirements is accepted, or -1 |
// | {ask: "echo", advertised, paymentPayload} | {valid} |
// | {ask: "identifier", paymentPayload} | {valid, id} |

import { createInterface } from "node:readline";
import { x402ResourceServer } from "@x402/core/server";
import { extractAndValidatePaymentIdentifier } from "@x402/extensions/payment-identifier";
import { ExactSvmScheme } from "@x402/svm/exact/facilitator";
import { ExactSvmScheme as ExactSvmServer } from "@x402/svm/exact/server";
import { ExactSvmSchemeV1 } from "@x402/svm/exact/v1/facilitator";

// The facilitator logs what it cannot decode; standard error is for what goes wrong here.
console.error = () => {};

const facilitators = { 1: ExactSvmSchemeV1, 2: ExactSvmScheme };

const server = new x402ResourceServer();
server.register("solana:*", new ExactSvmServer());
server.registerExtension({
  key: "sign-in-with-x",
  dynamicInfoFields: ["nonce", "issuedAt", "expirationTime"],
});

async function verify({ managed, x402Version, paymentPayload, paymentRequirements }) {
  // Every simulation succeeds, so that only the facilitator's own rules decide.
  const signer = { getAddresses: () => managed, simulateTransaction: async () => undefined };
  const facilitator = new facilitators[x402Version](signer);
  try {
    return await facilitator.verify(paymentPayload, paymentRequirements);
  } catch (error) {
    // A facilitator answers this with an error of its own.
    return { isValid: false, invalidReason: "threw", invalidMessage: String(error) };
  }
}

function match({ offered, paymentPayload }) {
  const found = server.findMatchingRequirements(offered, paymentPayload);
  return { place: offered.indexOf(found) };
}

function echo({ advertised, paymentPayload }) {
  const { valid } = server.validateExtensions({ extensions: advertised }, paymentPayload);
  return { valid };
}

function identifier({ paymentPayload }) {
  const { id, validation } = extractAndValidatePaymentIdentifier(paymentPayload);
  return { valid: validation.valid, id };
}

const answers = { verify, match, echo, identifier };

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  const answer = await answers[question.ask](question);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
