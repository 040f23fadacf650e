"""What a person's second try to sign up is to the server, after the first one's answer was lost."""

import json

#: Signs up again and again, each time with what ``TRIES`` says, and prints the keys that were sent.
RUN = """
import { found } from "./document.js";
import { html, render } from "./preact-htm.js";
import { SignIn } from "./sign_in.js";
let fields = {};
globalThis.FormData = class extends Map {
  constructor() { super(Object.entries(fields)); }
};
const keys = [];
globalThis.fetch = async (path, { headers }) => {
  keys.push(headers["Idempotency-Key"]);
  throw new TypeError("fetch failed");
};
render(html`<${SignIn} isNew next="" />`, document.body);
const [form] = document.body.all("form");
for (const [number, [username, password]] of TRIES.entries()) {
  fields = { username, password };
  form.act("submit");
  await found(() => keys.length > number && document.body.text.includes("did not answer"));
}
console.log(JSON.stringify(keys));
process.exit();
"""


def keys(run_script, *tries):
    return run_script(RUN.replace("TRIES", json.dumps(tries)))


def test_the_same_call_again_has_the_same_key(run_script):
    """The first may have registered the user: with another key the name would be taken, by themselves."""
    first, second = keys(run_script, ("ann", "correct horse"), ("ann", "correct horse"))

    assert first == second


def test_another_name_or_password_is_another_call(run_script):
    found = keys(run_script, ("ann", "correct horse"), ("bob", "correct horse"), ("bob", "battery staple"))

    assert len(set(found)) == 3
