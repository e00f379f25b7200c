// The published facilitator, unmodified, over lines of JSON: one request per line of
// standard input, {"managed", "paymentPayload", "paymentRequirements", "x402Version"},
// one verdict per line of standard output, {"isValid", "invalidReason", "payer"}.
//
// Its signer answers every simulation with success, so that only its own rules decide.

import { createInterface } from "node:readline";
import { ExactSvmScheme } from "@x402/svm/exact/facilitator";
import { ExactSvmSchemeV1 } from "@x402/svm/exact/v1/facilitator";

// It logs what it cannot decode; standard error is for what goes wrong here.
console.error = () => {};

const schemes = { 1: ExactSvmSchemeV1, 2: ExactSvmScheme };

async function verdict(line) {
  const request = JSON.parse(line);
  const signer = {
    getAddresses: () => request.managed,
    simulateTransaction: async () => undefined,
  };
  const scheme = new schemes[request.x402Version](signer);
  try {
    return await scheme.verify(request.paymentPayload, request.paymentRequirements);
  } catch (error) {
    // A facilitator answers this with an error of its own.
    return { isValid: false, invalidReason: "threw", invalidMessage: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { isValid, invalidReason, invalidMessage, payer } = await verdict(line);
  const answer = JSON.stringify({ isValid, invalidReason, invalidMessage, payer });
  process.stdout.write(`${answer}\n`);
}
