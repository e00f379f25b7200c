throw new Error("no client is expected to load wagmi");
