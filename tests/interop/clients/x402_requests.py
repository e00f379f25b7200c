"""PyPI x402 over requests (x402 v2)."""

import json
import os

from solders.keypair import Keypair
from x402 import x402ClientSync
from x402.http.clients import x402_requests
from x402.mechanisms.svm import KeypairSigner
from x402.mechanisms.svm.exact.register import register_exact_svm_client

# The longest that one answer may take, in seconds.
PATIENCE = 60

task = json.loads(os.environ["TOLLGATE_INTEROP"])
signer = KeypairSigner(Keypair.from_bytes(bytes(task["secretKey"])))
client = register_exact_svm_client(x402ClientSync(), signer, rpc_url=task["rpcUrl"])
session = x402_requests(client)
# No proxy of the machine's environment.
session.trust_env = False


def visit():
    """One visit, as clients/task.mjs tells of it."""
    try:
        response = session.get(task["url"], timeout=PATIENCE)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    headers = {name.lower(): value for name, value in response.headers.items()}
    return {"status": response.status_code, "body": response.text, "headers": headers}


print(json.dumps({"visits": [visit() for _ in range(task.get("visits", 2))]}))
