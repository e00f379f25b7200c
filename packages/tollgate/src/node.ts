/** For Node only: a journal in files, which survives the process. */
import { mkdir, open, readFile, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";

import { PaymentError } from "./errors.js";
import type { Journal, JournalEntry, PaymentState } from "./journal.js";
import { PaymentId } from "./payment_id.js";

/**
 * `open/ID.json` holds a payment whose fate is not known, `done/ID.json` one whose
 * fate is. A file is complete or absent: it is written beside, synced and renamed.
 * One process at a time may use a folder.
 */
export class FileJournal implements Journal {
  /** @param folder is created if it does not exist */
  constructor(readonly folder: string) {}

  unfinished(payer: string, product: string): Promise<JournalEntry | undefined> {
    return this.#guard(async () => {
      const folder = await this.#part("open");
      for (const name of await readdir(folder)) {
        if (!name.endsWith(".json")) continue;
        // A file that cannot be read may be that payment: it stops everything.
        const entry = JSON.parse(await readFile(join(folder, name), "utf8")) as JournalEntry;
        if (entry.payer === payer && entry.product === product) return entry;
      }
      return undefined;
    });
  }

  begin(entry: JournalEntry): Promise<void> {
    return this.#guard(() => this.#write("open", entry));
  }

  finish(entry: JournalEntry, state: PaymentState): Promise<void> {
    return this.#guard(async () => {
      await this.#write("done", { ...entry, state });
      await unlink(join(await this.#part("open"), fileOf(entry)));
    });
  }

  async #write(part: "open" | "done", entry: JournalEntry): Promise<void> {
    const folder = await this.#part(part);
    const path = join(folder, fileOf(entry));
    const beside = `${path}.new`;
    const file = await open(beside, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(entry, undefined, 2));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    // The rename itself must survive a crash.
    const directory = await open(folder, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async #part(part: "open" | "done"): Promise<string> {
    const folder = join(this.folder, part);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new PaymentError("journal_unusable", `the journal in ${this.folder}: ${cause}`, { cause });
    }
  }
}

/** The id is parsed, so that no text leads elsewhere. */
function fileOf(entry: JournalEntry): string {
  return `${PaymentId.parse(entry.paymentId)}.json`;
}
