// Writes src/generated from the program's IDL. Runs before every build; what it
// writes is not kept in the project, so that it cannot differ from the IDL.
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { rootNodeFromAnchor } from "@codama/nodes-from-anchor";
import { renderVisitor } from "@codama/renderers-js";
import { visit } from "@codama/visitors";

const home = join(dirname(fileURLToPath(import.meta.url)), "..");
const file = join(home, "../../programs/tollgate/artifacts/tollgate.json");

const output = join(home, "src/generated");

const idl = withoutAliases(JSON.parse(await readFile(file, "utf8")));
// Empties the folder first.
await visit(rootNodeFromAnchor(idl), renderVisitor(output, { formatCode: false }));
await nameFilesInImports(output);

/** Anchor knows names for other types (`Amount` for `u64`), Codama does not. */
function withoutAliases(idl) {
  const isAlias = ({ type }) => type.kind === "type";
  const aliases = new Map(
    idl.types.filter(isAlias).map(({ name, type }) => [name, type.alias]),
  );
  const resolve = (node) => {
    if (Array.isArray(node)) return node.map(resolve);
    if (node === null || typeof node !== "object") return node;
    const name = node.defined?.name;
    if (aliases.has(name)) return resolve(aliases.get(name));
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, resolve(value)]),
    );
  };
  return resolve({ ...idl, types: idl.types.filter((type) => !isAlias(type)) });
}

/** Codama imports folders and files without their endings, which Node does not find. */
async function nameFilesInImports(folder) {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, "utf8");
    const named = await replaceAll(text, /from '(\.[^']*)'/g, async ([, from]) => {
      const target = join(entry.parentPath, from);
      const isFolder = await stat(target).then((found) => found.isDirectory(), () => false);
      return `from '${from}${isFolder ? "/index.js" : ".js"}'`;
    });
    await writeFile(path, named);
  }
}

async function replaceAll(text, pattern, replacement) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(end, match.index), await replacement(match));
    end = match.index + match[0].length;
  }
  return parts.join("") + text.slice(end);
}
