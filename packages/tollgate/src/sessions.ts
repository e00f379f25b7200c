/** Session tokens: who signed in a while ago. In memory only. */

/** Most paths whose product is remembered. */
const MAX_PATHS = 10_000;

/** A token opens one product of one origin. */
export class Sessions {
  /** Origin and product → token. */
  readonly #tokens = new Map<string, string>();
  /** Origin and path → origin and product. */
  readonly #paths = new Map<string, string>();

  /** The token that opened this path before. */
  forUrl(url: string): string | undefined {
    const product = this.#paths.get(pathOf(url));
    return product && this.#tokens.get(product);
  }

  /** The token for a product, on whichever path it was had. */
  forProduct(url: string, product: unknown): string | undefined {
    return this.#tokens.get(productOf(url, product));
  }

  remember(url: string, product: unknown, token: string): void {
    if (this.#paths.size >= MAX_PATHS) this.#paths.clear();
    this.#paths.set(pathOf(url), productOf(url, product));
    this.#tokens.set(productOf(url, product), token);
  }

  forget(token: string): void {
    for (const [product, kept] of this.#tokens) {
      if (kept === token) this.#tokens.delete(product);
    }
  }
}

function pathOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function productOf(url: string, product: unknown): string {
  return `${new URL(url).origin} ${String(product)}`;
}
