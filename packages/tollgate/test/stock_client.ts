// Compiled, never run: the stock client takes our scheme.
import type { SchemeNetworkClient } from "@x402/core/types";

import type { EntitlementScheme } from "../src/scheme.js";

type Takes<Scheme extends SchemeNetworkClient> = Scheme;
export type Check = Takes<EntitlementScheme>;
