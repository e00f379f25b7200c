// A client of Solana Actions: from a link to a button to a payment. What it is told is
// held against the forms that @solana/actions-spec publishes as types, by the compiler.
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  createSolanaRpc,
  getBase64EncodedWireTransaction,
  getTransactionDecoder,
  partiallySignTransaction,
} from "@solana/kit";

import { say, signer, task } from "./task.mjs";

const require = createRequire(import.meta.url);
// The compiler comes with the TypeScript package.
const typescript = createRequire(require.resolve("tollgate-client"))("typescript");

/** What the compiler says against `value` being of `type`. */
function mistakes(type, value) {
  const name = join(import.meta.dirname, "held_against.ts");
  const text = `import type * as spec from "@solana/actions-spec";
    export const value: spec.${type} = ${JSON.stringify(value)};`;
  const options = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    module: typescript.ModuleKind.ESNext,
    moduleResolution: typescript.ModuleResolutionKind.Bundler,
  };
  const host = typescript.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? typescript.createSourceFile(file, text, typescript.ScriptTarget.ESNext)
      : getSourceFile(file, ...rest);
  host.fileExists = (file) => file === name || fileExists(file);
  host.readFile = (file) => (file === name ? text : readFile(file));
  const program = typescript.createProgram([name], options, host);
  return typescript
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => typescript.flattenDiagnosticMessageText(messageText, " "));
}

async function get(url) {
  const response = await fetch(url);
  if (response.headers.get("access-control-allow-origin") !== "*") throw new Error("no CORS");
  return { body: await response.json(), headers: response.headers };
}

// That a wrong form is noticed.
const noticed = mistakes("ActionGetResponse", { type: "action", icon: 1 }).length > 0;

const rules = (await get(new URL("/actions.json", task.url))).body;
const { pathname, origin } = new URL(task.url);
const rule = rules.rules.find(({ pathPattern }) => pathPattern === pathname);
const mapped = origin + rule.apiPath;

const { body: action, headers } = await get(mapped);
const [button] = action.links.actions;
const response = await fetch(new URL(button.href, mapped), {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ type: button.type, account: signer.address }),
});
const answer = await response.json();

const bytes = Buffer.from(answer.transaction, "base64");
const unsigned = getTransactionDecoder().decode(bytes);
const wire = getBase64EncodedWireTransaction(
  await partiallySignTransaction([signer.keyPair], unsigned),
);
const rpc = createSolanaRpc(task.rpcUrl);
const signature = await rpc.sendTransaction(wire, { encoding: "base64" }).send();
for (;;) {
  const { value } = await rpc.getSignatureStatuses([signature]).send();
  if (["confirmed", "finalized"].includes(value[0]?.confirmationStatus)) break;
  await new Promise((resolve) => setTimeout(resolve, 100));
}

say({
  mapped,
  noticed,
  mistakes: [
    ...mistakes("ActionsJson", rules),
    ...mistakes("ActionGetResponse", action),
    ...mistakes("TransactionResponse", answer),
  ],
  version: headers.get("x-action-version"),
  blockchains: headers.get("x-blockchain-ids"),
});
